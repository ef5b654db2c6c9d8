"""Point-in-time correct features, offline and online."""
