"""Latency, throughput and accuracy, under the same code that runs live."""
