"""A photograph of a color chart to the color response of one camera behind one optic.

space.py: sRGB, XYZ, Lab. difference.py: CIEDE2000. reference.py: what the patches are. find.py: where they are in the picture.
read.py: what the camera saw on them, and why not to believe it. fit.py: from that to a response, with its honest error. drift.py: against
the last measurement. grey.py: the quick way with a grey card. overlay.py, page.py: what a person looks at. command.py: the door.
"""
