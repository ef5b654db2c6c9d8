"""A check's code is told from its own function, and from what of its user's code that refers to, in any module."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from mlops_assets.rooms.validate.code import digest

LIMITS = "class Limits:\n    @staticmethod\n    def low():\n        return {low}\n\ndef high():\n    return {high}\n"
CHECK = """
import numpy
from {package} import limits
from {package}.limits import Limits
def check(x):
    return Limits.low() <= x <= limits.high() + numpy.abs(0)
"""


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, int, int], str]]:
    """Writes a package with these limits, and tells the digest of its check."""
    monkeypatch.syspath_prepend(tmp_path)

    def of(package: str, low: int, high: int) -> str:
        (tmp_path / package).mkdir(exist_ok=True)
        (tmp_path / package / "__init__.py").touch()
        (tmp_path / package / "limits.py").write_text(LIMITS.format(low=low, high=high))
        (tmp_path / package / "contract.py").write_text(CHECK.format(package=package))
        for name in [name for name in sys.modules if name.startswith("shop_")]:
            del sys.modules[name]
        importlib.invalidate_caches()
        module: ModuleType = importlib.import_module(f"{package}.contract")
        return digest(module.check)

    yield of
    for name in [name for name in sys.modules if name.startswith("shop_")]:
        del sys.modules[name]


def test_a_helper_in_another_module_of_the_package_counts(written: Callable[[str, int, int], str]) -> None:
    same, again = written("shop_a", 0, 9), written("shop_a", 0, 9)
    assert same == again
    low, high = written("shop_a", 11, 9), written("shop_a", 0, 99)
    assert len({same, low, high}) == 3
