"""The model file: image (MCUboot container), trust, archive, manifest, open. Verify first, parse after.

A reader of bundles needs three names: `trust.load_trust(folder or None)`, `open.open_bundle(path, trust)` (or `resolve_model`, for
what --model takes) and the `VerifiedBundle` that comes back. `image.verify_image` is the container alone; `pack.build_payload`
writes a payload; `manifest.Manifest` is the vocabulary. The format is written down in docs/bundle.md.
"""
