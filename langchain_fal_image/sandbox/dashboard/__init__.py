"""The page that shows the sandbox's requests."""
