"""What fal returned."""
