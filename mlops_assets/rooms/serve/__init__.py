"""Predictions of the champion."""
