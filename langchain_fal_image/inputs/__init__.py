"""Files that a caller gives."""
