"""Training sets, leaderboards, challengers."""
