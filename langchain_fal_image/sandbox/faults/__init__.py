"""Faults in the sandbox's responses, scripted by a test or drawn at random."""
