"""`mlops versions`, `diff` and `gc` on a lake of two versions."""

import errno
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from click.testing import CliRunner

from mlops_assets.cli.main import main
from mlops_assets.resources.stores import Stores
from mlops_assets.settings import Settings
from mlops_assets.stores.delta import DeltaLake
from mlops_assets.stores.reports import FolderReports


@pytest.fixture
def lake(home: Path, monkeypatch: pytest.MonkeyPatch) -> DeltaLake:
    monkeypatch.setenv("DAGSTER_HOME", "")
    lake = DeltaLake(Settings.from_env().lake, {"run_id": "a-run"})
    for numbers in ([1, 2], [2, 3, 4]):
        rows = pa.table({"flight_id": [f"f{n}" for n in numbers], "hour": numbers})
        lake.write("flights/clean", rows, batch="2013-01", commit={"code": "c0de"})
    return lake


def mlops(*words: str) -> str:
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    return result.output


def told(*words: str) -> Any:
    return json.loads(mlops(*words, "--json"))


def test_every_version_tells_run_code_and_environment(lake: DeltaLake) -> None:
    first, second = told("versions", "flights")
    assert (first["version"], second["version"]) == (0, 1)
    assert second["fingerprint"] == lake.fingerprint("flights/clean")
    for version in (first, second):
        assert (version["run_id"], version["code"], version["batch"]) == ("a-run", "c0de", "2013-01")
        assert len(version["environment"]) == 64
        assert len(version["tree"]) >= 40
        assert version["readable"]
    assert "a-run" in mlops("versions", "flights/clean")


def test_a_difference_uses_the_declared_key(lake: DeltaLake) -> None:
    found = told("diff", "flights", "0", "1")
    assert (found["added"], found["removed"], found["changed"]) == (2, 1, 0)
    assert found["examples"]["added"] == ["f3", "f4"]
    assert "version 0 has 2 rows, version 1 3" in mlops("diff", "flights", "0", "1", "--key", "hour")


def test_garbage_is_told_first_and_removed_only_on_demand(lake: DeltaLake) -> None:
    assert "there is nothing to remove" in mlops("gc")
    stray = lake.path / "flights" / "clean" / "killed.parquet"
    stray.write_bytes(b"half")
    import os

    os.utime(stray, (0, 0))
    assert "nothing was removed; next: mlops gc --yes" in mlops("gc")
    assert stray.exists()
    assert told("gc", "--yes")["bytes"] == 4
    assert not stray.exists()
    assert [record.subject for record in Stores().lineage().records("gc")] == ["lake"]


def test_a_table_that_is_not_there_is_answered_with_the_nearest(lake: DeltaLake) -> None:
    result = CliRunner().invoke(main, ["versions", "flihgts/clean"])
    assert result.exit_code == 1
    assert "did you mean 'flights/clean'" in result.output


def test_a_full_disk_is_told_in_a_line(lake: DeltaLake, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "there/page.html")

    monkeypatch.setattr(FolderReports, "save", full)
    lake.write("planes/clean", pa.table({"tailnum": ["N1"]}), batch="planes")
    result = CliRunner().invoke(main, ["eda", "planes"])
    assert result.exit_code == 1
    assert "the disk is full; got: there/page.html; next: make room, and run it again" in result.output
    assert "Traceback" not in result.output
