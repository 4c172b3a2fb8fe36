"""Recognise files by their bytes; show values in messages without their bytes."""
