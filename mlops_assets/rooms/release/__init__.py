"""Promotion, the only way to the champion."""
