"""Loading the definitions stays cheap: every run, tick and code server pays for it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"dagster_mlflow", "deltalake", "duckdb", "evidently", "matplotlib", "mlflow", "pandas", "pandera", "sklearn"}
LOAD = "from mlops_assets.definitions import definitions; print(len(definitions().resolve_all_asset_specs()))"
DAGSTER_FREE = "mlops_assets.spec.model", "mlops_assets.stores.lake", "mlops_assets.settings"


def imported(code: str, home: Path) -> tuple[str, set[str]]:
    """Run code in a Python of its own: what it printed, and the top-level packages that it imported."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"MLOPS_HOME": str(home)},
    )
    told = "\n".join(line for line in done.stderr.splitlines() if not line.startswith("import time:"))
    assert done.returncode == 0, told
    names = re.findall(r"^import time:\s+\d+ \|\s+\d+ \|\s+([\w.]+)$", done.stderr, flags=re.MULTILINE)
    return done.stdout, {name.partition(".")[0] for name in names}


def test_loading_the_definitions_imports_nothing_heavy(home: Path) -> None:
    printed, packages = imported(LOAD, home)
    assert int(printed) > 0
    assert "dagster" in packages
    assert packages & HEAVY == set()


@pytest.mark.parametrize("module", DAGSTER_FREE)
def test_what_lies_below_the_faces_runs_without_dagster(module: str, home: Path) -> None:
    _, packages = imported(f"import {module}", home)
    assert packages & (HEAVY | {"dagster"}) == set()


def test_loading_the_definitions_writes_nothing(home: Path) -> None:
    imported(LOAD, home)
    assert not home.exists()
