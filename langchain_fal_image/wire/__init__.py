"""How fal is spoken to."""
