"""Results of requests, generated files, and requests in fal's queue."""
