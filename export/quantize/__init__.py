"""From the FP32 graph to INT8 forms."""
