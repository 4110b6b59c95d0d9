"""Flashing models and driving displays over a cable."""
