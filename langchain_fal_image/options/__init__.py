"""What may be asked of an endpoint."""
