"""A site's own temperature from a few dozen local cases, and whether it helped. refit.py: the numbers. overlay.py: into a profile."""
