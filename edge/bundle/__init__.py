"""The model file: image (MCUboot container), trust, manifest, open. Verify first, parse after."""
