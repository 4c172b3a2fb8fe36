"""The session: settings, key, clients, stores, contracts, prices."""
