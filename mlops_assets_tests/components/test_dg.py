"""Dagster's own command line works on the nouns."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PROJECT = """\
[tool.dg]
directory_type = "project"
[tool.dg.project]
root_module = "{package}"
[tool.dagster]
module_name = "{package}.definitions"
"""
DEFINITIONS = """\
from pathlib import Path

import dagster as dg
from mlops_assets.components.loading import load
from mlops_assets.resources.stores import Stores


@dg.definitions
def definitions() -> dg.Definitions:
    return dg.Definitions.merge(load(Path(__file__).parent / "defs"), dg.Definitions(resources={"stores": Stores()}))
"""
ROWS = "\n".join(["id,tenure,churned", *(f"{n},{n % 7},{'yes' if n % 5 else 'no'}" for n in range(1000))]) + "\n"


@pytest.fixture
def dg_(defs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    """Run `dg` in a project; exit code and output."""
    (tmp_path / "pyproject.toml").write_text(PROJECT.format(package=defs.parent.name))
    (defs.parent / "definitions.py").write_text(DEFINITIONS)
    (tmp_path / "churn.csv").write_text(ROWS)
    (tmp_path / "dagster").mkdir()
    (tmp_path / "dagster" / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    monkeypatch.setenv("MLOPS_HOME", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{Path(__file__).parents[2]}")

    def run(*arguments: str) -> tuple[int, str]:
        dg = Path(sys.executable).parent / "dg"
        done = subprocess.run([str(dg), *arguments], capture_output=True, text=True, check=False, cwd=tmp_path)
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.mark.slow
def test_what_scaffold_writes_passes_both_checks(defs: Path, dg_: Callable[..., tuple[int, str]]) -> None:
    code, said = dg_("scaffold", "defs", "mlops_assets.Model", "churn", "--source", "churn.csv", "--target", "churned")
    assert code == 0, said
    assert (defs / "churn" / "defs.yaml").exists()
    code, said = dg_("check", "defs")
    assert code == 0, said
    assert "All component YAML validated successfully" in said
    assert "All definitions loaded successfully" in said


@pytest.mark.slow
def test_a_mistake_is_told_once_by_dg_check_defs(
    defs: Path, dg_: Callable[..., tuple[int, str]], write: Callable[..., Path]
) -> None:
    write(write().read_text().replace("context]", "contxt]"))
    code, said = dg_("check", "defs")
    assert code == 1
    assert said.count("unknown feature table 'contxt'") == 1
    assert "defs/flights/defs.yaml:21" in said
