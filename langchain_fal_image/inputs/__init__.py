"""Input files: recognising, checking and sending them."""
