"""Flashing models and driving displays over a cable. Comes with the bridge issue; nothing is here yet."""
