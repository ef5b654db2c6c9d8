"""The commands by which a person acts on a champion: what they refuse is told in a line, and history tells the rest."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mlops_assets.cli.main import main
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.release.record import Release

MODEL = "flight_delays"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose record says that a version was released by an override that is over."""
    home = tmp_path_factory.mktemp("home")
    release = Release(
        3, "d", "OVERRIDE", "Ada", "e" * 64, None, None, "", "head", "the strike", "2024-01-01T00:00:00+00:00"
    )
    Stores(home=str(home)).lineage().append("release", MODEL, release.body())
    return home


def mlops(home: Path, *words: str) -> Result:
    return CliRunner().invoke(main, [*words, "--home", str(home)])


def test_history_tells_who_and_why_and_warns_of_what_does_not_fit(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLOPS_HOME", "DAGSTER_HOME"):
        monkeypatch.setenv(name, str(home))
    told = json.loads(mlops(home, "history", MODEL, "--json").output)
    (event,) = told["events"]
    assert (event["decision"], event["who"], event["why"]) == ("OVERRIDE", "Ada (head)", "the strike")
    assert told["warnings"] == [
        "the alias says version none, the record says 3",
        "the override of version 3 by Ada expired at 2024-01-01T00:00:00+00:00",
    ]
    shown = mlops(home, "history", MODEL)
    assert "the chain holds: 1 records" in shown.output
    assert "! the override of version 3 by Ada expired" in shown.output


def test_the_status_tells_of_an_override_that_is_over(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLOPS_HOME", "DAGSTER_HOME"):
        monkeypatch.setenv(name, str(home))
    told = {each["model"]: each for each in json.loads(mlops(home, "status", "--json").output)["models"]}
    assert told[MODEL]["override"] == "the override of version 3 by Ada expired at 2024-01-01T00:00:00+00:00"
    assert told[MODEL]["override_expired"] is True
    assert (told["departure_delay"]["override"], told["departure_delay"]["override_expired"]) == (None, None)
    shown = mlops(home, "status").output.splitlines()
    assert shown[-1] == f"! {MODEL}: the override of version 3 by Ada expired at 2024-01-01T00:00:00+00:00"


def test_what_is_refused_is_told_in_a_line(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLOPS_HOME", "DAGSTER_HOME"):
        monkeypatch.setenv(name, str(home))
    said = ("--override", "--who", "Ada", "--reason", "why not")
    assert "an override needs an expiry" in mlops(home, "promote", MODEL, *said).output
    assert "not a duration" in mlops(home, "promote", MODEL, *said, "--expires", "soon").output
    assert "no snapshot goes by 'flight_delays@9'" in mlops(home, "reroll", "flight_delays@9").output
    told = mlops(home, "approve", MODEL, "--who", "Ada", "--role", "head")
    assert told.exit_code == 1
    assert told.output.startswith("Error: no verdict is recorded for model 'flight_delays'")
    assert "Traceback" not in told.output
