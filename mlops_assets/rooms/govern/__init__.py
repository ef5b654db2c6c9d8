"""Snapshots: what a model was made of."""
