"""Labelled pictures: which rows, which side of the split, decoded once."""
