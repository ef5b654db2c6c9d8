"""The one place that decides to train again."""
