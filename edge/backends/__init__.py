"""Inference engines. `table.py` is the list; each engine is one module that is imported when it is chosen, and not before."""
