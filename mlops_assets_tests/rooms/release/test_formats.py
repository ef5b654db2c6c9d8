"""Formats: the fastest that is equal and safe serves, and an export that loses does not go into the bundle."""

from dataclasses import replace

import pytest

from mlops_assets.rooms.release import formats
from mlops_assets.rooms.release.formats import Format
from mlops_assets.rooms.release.onnx import Export, Parity

ONNX = Format("onnx", 9_000, 1.0, 0.01, 1e-6, equal=True, safe=True, why="no code")
SKOPS = Format("skops", 90_000, 9.0, 3.0, 0.0, equal=True, safe=True, why="our own list")
MLFLOW = Format("mlflow", 91_000, 90.0, 0.001, 0.0, equal=True, safe=False, why="its own list")
MADE = Export(Parity(exact=True, reason="all within"), b"model")


def chosen(monkeypatch: pytest.MonkeyPatch, onnx: Format, skops: Format = SKOPS) -> str:
    monkeypatch.setattr(formats, "_rows", lambda bundle: None)
    for name, found in {"_onnx": onnx, "_skops": skops, "_mlflow": MLFLOW}.items():
        monkeypatch.setattr(formats, name, lambda *_, found=found: found)
    table = formats.measured(None, None, MADE)  # type: ignore[arg-type]  # nothing of them is looked at
    return next((each.name for each in table if each.serves), "none")


def test_the_fastest_that_is_equal_and_safe_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen(monkeypatch, ONNX) == "onnx"
    assert chosen(monkeypatch, replace(ONNX, equal=False)) == "skops"
    assert chosen(monkeypatch, replace(ONNX, row_ms=9.0)) == "skops"
    assert chosen(monkeypatch, replace(ONNX, safe=False), replace(SKOPS, equal=False)) == "none"


def test_an_export_that_lost_does_not_serve_and_says_so() -> None:
    assert formats.serving(MADE, [replace(ONNX, serves=True), SKOPS]) is MADE
    lost = formats.serving(MADE, [ONNX, replace(SKOPS, serves=True)])
    assert lost.model is None
    assert lost.parity.reason == "exact, but skops serves: all within"


def test_the_table_is_read_by_people() -> None:
    (row,) = formats.told([replace(ONNX, serves=True)])
    assert row == ("onnx (serves)", "9 kB", "1 ms", "0.01 ms", "1.0e-06", "yes", "no code")
    assert formats.markdown([vars(ONNX)]).count("\n") == 2
