"""Inference engines. `table.py` is the list; each engine is one module that is imported when it is chosen, and not before."""

from edge.backends.telemetry import switch_off

switch_off()  # here, since no engine's module can be imported before its package
