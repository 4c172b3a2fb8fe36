"""Handles of files, one namespace for each thread."""
