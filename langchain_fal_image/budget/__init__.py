"""Budgets: limits on images and cost, and records of what was spent."""
