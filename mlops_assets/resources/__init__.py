"""Thin Dagster wrappers around the stores."""
