"""File formats: recognition by content, data URIs, safe representations."""
