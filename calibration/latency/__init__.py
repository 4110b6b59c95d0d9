"""From glass to label: a target blinks in front of the camera, and what the device says is watched until it shows it.

target.py: what blinks. delay.py: from toggles and views to delays (pure). record.py: a live run that is watched. command.py: the door.
"""
