"""Numbers that mean what they say on this device. Comes with the calibration issue; nothing is here yet."""
