"""Images drawn from the words of a prompt."""
