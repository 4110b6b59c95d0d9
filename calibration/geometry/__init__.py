"""A scanner's screen to its scan region and to masks over burnt-in text.

silhouette.py: what on the screen is tissue. shape.py: the probe's shape that explains it. text.py: letters and marks on the tissue.
locate.py: all of it, with the DICOM file's own word first. draw.py: for the person who looks. command.py: the door.
"""
