"""Faults that a test scripts or leaves to chance."""
