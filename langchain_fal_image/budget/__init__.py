"""What a run has spent and may spend."""
