"""Sets of classes that hold the truth as often as stated, class by class, and the check of it on pictures they have not seen.

quantile.py: thresholds. coverage.py: how often they held, against what their calibration lets expect. carry.py: thresholds under
other probabilities, where no new pictures are at hand.
"""
