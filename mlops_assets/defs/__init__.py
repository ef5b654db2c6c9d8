"""User land: one folder a use case; nothing of the house imports it."""
