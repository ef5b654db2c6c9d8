"""The import layers hold, and the contracts that hold them do notice each kind of breach."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

LINT = Path(sys.executable).with_name("lint-imports")

BREACHES = {
    "a store that knows a room": ("stores/lake.py", "import mlops_assets.rooms.ingest"),
    "a store that knows Dagster": ("stores/lake.py", "import dagster"),
    "a spec that knows a store": ("spec/base.py", "import mlops_assets.stores.lake"),
    "a ground floor that knows a spec": ("errors.py", "import mlops_assets.spec.base"),
    "a resource that knows a face": ("resources/stores.py", "import mlops_assets.rooms.retrain.sensors"),
    "a resource that knows a component": ("resources/stores.py", "import mlops_assets.components"),
    "a work module that knows Dagster": ("rooms/retrain/arbiter.py", "import dagster"),
    "a work module that knows a resource": ("rooms/retrain/arbiter.py", "import mlops_assets.resources.declaration"),
    "a work module that knows its face": ("rooms/retrain/arbiter.py", "import mlops_assets.rooms.retrain.sensors"),
    "a new work module that knows Dagster": ("rooms/ingest/brand_new.py", "import dagster"),
    "a room that looks ahead": ("rooms/ingest/sensors.py", "import mlops_assets.rooms.retrain.arbiter"),
    "a component that knows the front door": ("components/__init__.py", "import mlops_assets.definitions"),
    "a house that knows its user": ("definitions.py", "import mlops_assets.defs.flight_delays"),
    "a floor that nobody declared": ("misc.py", "import json"),
}


def lint(where: Path) -> "subprocess.CompletedProcess[str]":
    """Run the contracts over the package that lies in a folder."""
    return subprocess.run(
        [LINT, "--no-cache", "--config", "pyproject.toml"], cwd=where, capture_output=True, text=True, check=False
    )


@pytest.fixture
def copy(root: Path, tmp_path: Path) -> Path:
    """The house again, to be broken."""
    shutil.copytree(root / "mlops_assets", tmp_path / "mlops_assets", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_layers_hold(root: Path) -> None:
    found = lint(root)
    assert found.returncode == 0, found.stdout + found.stderr
    assert "0 broken" in found.stdout


@pytest.mark.parametrize(("file", "line"), BREACHES.values(), ids=BREACHES.keys())
def test_the_contracts_notice(file: str, line: str, copy: Path) -> None:
    broken = copy / "mlops_assets" / file
    before = broken.read_text() if broken.exists() else '"""A module."""\n'
    broken.write_text(f"{before}\n\n{line}\n")
    found = lint(copy)
    assert found.returncode == 1, found.stdout + found.stderr
    assert " BROKEN" in found.stdout, found.stdout + found.stderr
