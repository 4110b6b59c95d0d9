"""Bring your own model: a plain ONNX classifier becomes a checked, signed bundle. One idea per file, joined in `bundle`."""
