"""Metrics with intervals, gates, and the verdict."""
