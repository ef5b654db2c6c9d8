"""What the pages on contracts, data and EDA show of a command is what it says: each is run again on the sample."""

import re
import shlex
import sqlite3
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from mlops_assets.cli import datasets
from mlops_assets.cli.main import main
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.validate.batch import validate_batch
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.plan import DatasetPlan
from mlops_assets.spec.source import Source
from mlops_assets_tests.samples import SAMPLES

DOCS = Path(__file__).parents[2] / "docs"
CONTRACTS, DATA, EDA = ((DOCS / f"{name}.md").read_text() for name in ("contracts", "data", "eda"))
Shown = tuple[list[str], list[str]]
"""The words of a command, and the lines that a page shows of what it says."""


def transcripts(page: str) -> list[Shown]:
    found = list[Shown]()
    for block in re.findall(r"```\n(\$ mlops .*?)```", page, flags=re.DOTALL):
        for told in block.removeprefix("$ mlops ").split("\n$ mlops "):
            command, *lines = told.splitlines()
            found.append((shlex.split(command), [line for line in lines if line.strip(" ─")]))
    return found


def arrive(stores: Stores, home: Path, name: str, *batches: str) -> None:
    for batch in batches:
        stores.lake().write(f"{name}/raw/{batch}", pq.read_table(SAMPLES / name / f"{batch}.parquet"), batch=batch)
        validate_batch(stores.lake(), datasets.one(name), batch, home, lineage=stores.lineage())


def said(words: list[str]) -> list[str]:
    result = CliRunner().invoke(main, words)
    assert "Traceback" not in result.output
    return [" ".join(line.split()) for line in result.output.splitlines()]


def stable(line: str) -> str:
    """A pattern of a line: dots stand for anything, and so do times, sizes, sequences, run, code and environment."""
    text = " ".join(line.split()).replace(" ...", "...")
    text = re.sub(
        r"(?<= )\d+ kB ([0-9a-f]{8}) .*", r"... \1...", re.sub(r"\d{4}-\d\d-\d\d[ T]\d[\d:.]*Z?", "...", text)
    )
    return ".*".join(re.escape(part) for part in re.sub(r"^release \d+", "release ...", text).split("..."))


def unsaid(shown: Shown, lines: list[str]) -> list[str]:
    """What a page shows and the command does not say, in this order."""
    missing, place = list[str](), 0
    for line in shown[1]:
        places = [n for n, each in enumerate(lines) if n >= place and re.fullmatch(stable(line), each)]
        place = places[0] + 1 if places else place
        missing += [] if places else [line]
    return missing


@pytest.fixture
def stores(home: Path, monkeypatch: pytest.MonkeyPatch) -> Stores:
    monkeypatch.setenv("DAGSTER_HOME", "")
    home.mkdir()
    return Stores()


def test_the_page_on_contracts_shows_what_the_commands_say_of_weather(stores: Stores, home: Path) -> None:
    arrive(stores, home, "weather", "2013-02")
    shown = transcripts(CONTRACTS)
    assert [" ".join(words[:2]) for words, _ in shown] == [
        *("quarantine show", "quarantine release", "quarantine release", "contract show", "contract diff")
    ]
    for words, lines in shown:
        recorded = [line for line in lines if "went on its way" not in line]  # that takes a run, which other tests make
        assert unsaid((words, recorded), said([*words, *(["--no-run"] if "release" in words else [])])) == []


def test_the_page_on_data_shows_what_the_commands_say_of_flights(stores: Stores, home: Path) -> None:
    arrive(stores, home, "flights", "2013-01", "2013-02")
    shown = [each for each in transcripts(DATA) if each[0][1] == "flights"]
    assert [words[0] for words, _ in shown] == ["versions", "diff"]
    for words, lines in shown:
        assert unsaid((words, lines), said(words)) == []


@pytest.mark.usefixtures("stores")
def test_the_page_on_data_shows_what_two_pulls_say(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trips = Source.model_validate(
        {"table": "trips", "database": "sqlite:///trips.db", "cursor": "updated_at", "overlap": "1d"}
    )
    plan = DatasetPlan(Dataset(name="trips", key=("id",), source=trips))
    monkeypatch.setattr(datasets, "datasets", lambda: {"trips": plan})
    with sqlite3.connect(home / "trips.db") as connection:
        connection.execute("create table trips (id integer, updated_at timestamp)")
        rows = [(1, "2013-01-01 08:00:00"), (2, "2013-01-05 08:00:00"), (3, "2013-01-05 09:00:00")]
        connection.executemany("insert into trips values (?, ?)", rows)
    connection.close()
    shown = [each for each in transcripts(DATA) if each[0][0] == "pull"]
    assert len(shown) == 2
    for words, lines in shown:
        assert unsaid((words, lines), said(words)) == []


def test_a_line_that_the_command_does_not_say_is_told() -> None:
    shown = (["pull", "trips"], ["3 rows fetched; landed: 2026-11-25T003644.281003Z (3 rows)", "and more"])
    assert unsaid(shown, ["3 rows fetched; landed: 2026-11-26T101010.000001Z (3 rows)"]) == ["and more"]
    assert unsaid(shown, ["4 rows fetched; landed: 2026-11-26T101010.000001Z (3 rows)", "and more"]) == [shown[1][0]]


@pytest.mark.parametrize("name", ["flights", "planes", "weather"])
def test_the_table_of_the_page_on_contracts_counts_what_becomes_of_each(name: str, stores: Stores, home: Path) -> None:
    from mlops_assets.defs.flight_delays.source import flights

    row = re.search(
        rf"^\| {name} ?(\S*) \| (.*) \| (.*) \| (\d+)(?:: `(.*)`)? \| `contract:\w+` \|$", CONTRACTS, re.MULTILINE
    )
    assert row
    plan, batch = datasets.one(name), row[1] or name
    rows = flights() if name == "flights" else pq.read_table(SAMPLES / name / f"{batch}.parquet")
    if name == "flights":
        assert plan.dataset.period
        yearly = plan.dataset.period.model_copy(update={"every": "year"})
        plan = replace(plan, dataset=plan.dataset.model_copy(update={"period": yearly}))
    stores.lake().write(f"{name}/raw/{batch}", rows, batch=batch)
    found = validate_batch(stores.lake(), plan, batch, home)
    counted = (f"{found.rows_in:,}", f"{found.clean:,}", str(found.quarantined), "".join(found.reasons) or None)
    assert row.groups()[1:] == counted


def test_half_of_the_flights_of_a_day_have_no_arrival_as_the_page_on_eda_says() -> None:
    assert "On a day of February 2013 half of the flights have no arrival" in " ".join(EDA.split())
    frame = pq.read_table(SAMPLES / "flights/2013-02.parquet", columns=["day", "arr_delay"]).to_pandas()
    assert frame.arr_delay.isna().groupby(frame.day).mean().max() >= 0.5
