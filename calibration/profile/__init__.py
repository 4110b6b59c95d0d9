"""Device profiles, written: signed, stored whole or not at all, the previous one kept. Reading one is the device's (`edge.profile`).

store.py: the file and the one before it. signing.py: the key and the line. parts.py: one measurement put into a profile.
command.py: `sonoderm profile show|sign|restore`.
"""
