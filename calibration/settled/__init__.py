"""What is shown after pictures were averaged in time is what is calibrated.

watch.py: stills in motion through the whole pipeline. temperature.py: what divides the averaged log-odds.
"""
