"""fal's HTTP API: queue, sync runs, uploads, files, documents, prices, webhooks."""
