"""A project of a user's own, in a folder that is gone after the test."""

import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

GOOD = """\
type: mlops_assets.Dataset
attributes:
  name: flights
  source: {files: landing/flights/*.parquet}
  key: [flight_id]
  event_time: departure
---
type: mlops_assets.FeatureTable
attributes:
  name: context
  dataset: flights
  columns:
    distance: distance
---
type: mlops_assets.Model
attributes:
  name: late_flights
  target:
    column: late
    known_after: 1d
  features: [context]
"""
_numbers = count()


@pytest.fixture
def defs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The empty defs folder of a package; the tests run in the project's folder."""
    package = f"shop_{next(_numbers)}"
    folder = tmp_path / package / "defs"
    folder.mkdir(parents=True)
    (tmp_path / package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        del sys.modules[name]


@pytest.fixture
def write(defs: Path) -> Callable[..., Path]:
    """Write a file below defs; default: a whole, sound declaration of the three nouns."""

    def put(text: str = GOOD, path: str = "flights/defs.yaml") -> Path:
        file = defs / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    return put
