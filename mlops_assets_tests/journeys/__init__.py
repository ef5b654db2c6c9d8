"""End to end, over the real thing."""
