"""Runnables."""
