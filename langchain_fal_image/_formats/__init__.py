"""Recognise files by their bytes."""
