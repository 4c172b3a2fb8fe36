"""fal's protocol: flows without I/O and the drivers that run them."""
