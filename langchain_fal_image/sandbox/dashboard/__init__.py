"""The web page that shows the sandbox's requests."""
