"""What every value acts through: settings, key, clients, stores, contracts."""
