"""Numbers that mean what they say on this device: confidence, sets, scope, color, geometry, latency. Never imports torch."""
