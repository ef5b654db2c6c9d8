"""Drift and performance, with calibrated thresholds."""
