"""Of the specs."""
