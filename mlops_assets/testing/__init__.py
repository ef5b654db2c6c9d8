"""The test kit for features: hard cases for a function or an expression, and the proof that a table looks not ahead."""

from mlops_assets.testing.cases import cases
from mlops_assets.testing.look_ahead import look_aheads
from mlops_assets.testing.soundness import Fault, assert_sound, faults

__all__ = ["Fault", "assert_sound", "cases", "faults", "look_aheads"]
