"""Limits on what may be spent, and what was spent."""
