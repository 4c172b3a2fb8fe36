"""An offline fal on this machine."""
