"""Ground truth, as it matures."""
