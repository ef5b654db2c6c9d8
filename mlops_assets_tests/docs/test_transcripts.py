"""What the pages on contracts, data and EDA show of a command is what it says: each is run again on the sample."""

import doctest
import gzip
import re
import shlex
import sqlite3
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from click.testing import CliRunner
from deltalake import write_deltalake

import mlops_assets
from mlops_assets.cli import datasets
from mlops_assets.cli.main import main
from mlops_assets.errors import LandingError
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.explore.exploration import explore
from mlops_assets.rooms.ingest import readers
from mlops_assets.rooms.validate import evolution
from mlops_assets.rooms.validate.batch import validate_batch
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.place import Place
from mlops_assets.spec.plan import DatasetPlan
from mlops_assets.spec.retention import Retention
from mlops_assets.spec.source import Source
from mlops_assets.stores import sql
from mlops_assets_tests.samples import SAMPLES

DOCS = Path(__file__).parents[2] / "docs"
CONTRACTS, DATA, EDA = ((DOCS / f"{name}.md").read_text() for name in ("contracts", "data", "eda"))
TRIPS = pa.table({"id": [1, 2, 3], "updated_at": ["2013-01-01", "2013-01-02", "2013-01-03"]})
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
        *(
            "quarantine list",
            "quarantine show",
            "quarantine release",
            "quarantine release",
            "contract show",
            "contract diff",
        )
    ]
    for words, lines in shown:
        recorded = [line for line in lines if "went on its way" not in line]  # that takes a run, which other tests make
        assert unsaid((words, recorded), said([*words, *(["--no-run"] if "release" in words else [])])) == []


def test_the_page_on_data_shows_what_the_commands_say_of_flights(stores: Stores, home: Path) -> None:
    arrive(stores, home, "flights", "2013-01", "2013-02")
    shown = [each for each in transcripts(DATA) if each[0][1:2] == ["flights"]]
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
    shown = [each for each in transcripts(DATA) if each[0] == ["pull", "trips"]]
    assert len(shown) == 2
    for words, lines in shown:
        assert unsaid((words, lines), said(words)) == []


@pytest.mark.usefixtures("stores")
def test_the_page_on_data_shows_what_its_other_sources_say(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"query": "by_query", "delta": "of_delta", "dlt": "by_dlt"}
    blocks = (yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", DATA, flags=re.DOTALL))
    declared = [Source.model_validate(block["source"]) for block in blocks if set(block.get("source", ())) & set(names)]
    plans = {
        names[s.kind]: DatasetPlan(Dataset(name=names[s.kind], source=s), Place(home, "declared")) for s in declared
    }
    monkeypatch.setattr(datasets, "datasets", plans.copy)
    monkeypatch.setitem(sys.modules, "declared.trips", SimpleNamespace(resource=TRIPS.to_pylist))
    (home / "trips.py").touch()
    (home / "data").mkdir()
    write_deltalake(home.parent / "shared" / "trips", TRIPS)
    with sqlite3.connect(home / "data" / "trips.db") as connection:
        connection.execute("create table trips (id integer, test boolean)")
        connection.execute("insert into trips values (1, false), (2, false), (3, true)")
    connection.close()
    shown = [each for each in transcripts(DATA) if each[0][0] == "pull" and each[0][1] in plans]
    assert {words[1] for words, _ in shown} == set(plans)
    for words, lines in shown:
        assert unsaid((words, lines), said(words)) == []


def test_the_page_on_data_says_what_becomes_of_each_file(tmp_path: Path) -> None:
    text, rows = "id,place\n1,Zürich\n2,Oslo\n", "select 1 as id, 'Zürich' as place union all select 2, 'Oslo'"
    with sql.connect() as connection:
        connection.execute(f"copy ({rows}) to '{tmp_path}/c.jsonl.zst' (format json, compression zstd)")
        connection.execute(f"copy ({rows}) to '{tmp_path}/d.parquet'")
    packed = gzip.compress(text.encode())
    contents = {
        "a.csv": text.encode(),
        "b.csv.gz": packed,
        "e.csv": text.encode("utf-8-sig"),
        "cut.csv.gz": packed[:-9],
        "empty.csv": b"",
        "latin.csv": text.encode("latin-1"),
        "ragged.csv": b"id,place\n1\n",
        "twice.csv": b"id,id\n1,2\n",
        "utf16.csv": text.encode("utf-16"),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    [good] = re.findall(r"^\| (.*) \| 2 rows each \|$", DATA, flags=re.MULTILINE)
    for name in re.findall(r"`(\S+?)`", good):
        assert readers.read(tmp_path / name).to_pydict()["place"] == ["Zürich", "Oslo"]
    bad = re.findall(r"^\| `(\w+\.csv(?:\.gz)?)`[^`|]* \| `(.*)` \|$", DATA, flags=re.MULTILINE)
    assert {name for name, _ in bad} == {name for name in contents if len(name) > len("a.csv.gz")}
    for name, reason in bad:
        with pytest.raises(LandingError, match=re.escape(reason)):
            readers.read(tmp_path / name)


def test_the_page_on_data_shows_what_gc_finds(stores: Stores, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arrive(stores, home, "flights", "2013-01", "2013-02")
    lake, january = stores.lake(), stores.lake().read("flights/clean", batches=["2013-01"])
    for place in (1, 2):  # as mended files would
        explore(lake, datasets.one("flights").dataset, "2013-01", stores.profiles())
        lake.write("flights/clean", january.slice(place), batch="2013-01")
    monkeypatch.setattr(datasets, "retentions", lambda: {"flights": Retention(versions=2)})
    [(words, lines)] = [each for each in transcripts(DATA) if each[0] == ["gc"]]
    lines = [re.sub(r"\d+ kB$", "...", line) for line in lines]
    assert unsaid((words, lines), said(words)) == []
    assert "freed" in said(["gc", "--yes"])[-1]
    assert said(["gc"]) == ["there is nothing to remove"]


def test_the_page_on_contracts_shows_how_a_change_is_refused(stores: Stores, home: Path) -> None:
    arrive(stores, home, "weather", "2013-02")
    held = evolution.in_force(stores.lineage(), "weather")
    assert held is not None
    temp = {"temp": {**held.contract["columns"]["temp"], "type": "BIGINT"}}
    before = {**held.contract, "columns": {**held.contract["columns"], **temp}}
    evolution.adopt(stores.lineage(), "weather", evolution.InForce(1, "0" * 64, before), [])
    stores.lineage().append("release", "flight_delays", {"version": 1})
    [shown] = re.findall(r"```console\n\$ mlops (contract diff weather)\n(.*?)```", CONTRACTS, flags=re.DOTALL)
    result = CliRunner().invoke(main, shown[0].split())
    assert result.exit_code == 1
    assert result.output.split() == shown[1].split()


def test_the_page_on_versions_shows_what_a_notebook_reads(stores: Stores, home: Path) -> None:
    arrive(stores, home, "flights", "2013-01", "2013-02")
    arrive(stores, home, "planes", "planes")
    assert typed((DOCS / "versions.md").read_text()) == (6, 0)


def test_the_page_on_contracts_shows_what_its_repairs_did(stores: Stores, home: Path) -> None:
    arrive(stores, home, "planes", "planes")
    [repairs] = [
        yaml.safe_load(block) for block in re.findall(r"```yaml\n(repairs:.*?)```", CONTRACTS, flags=re.DOTALL)
    ]
    readings = Dataset.model_validate({"name": "readings", "source": {"files": "*"}, "key": ["id"], **repairs})
    raw: dict[str, list[str | None]] = {"id": ["1", "2", "2", "3"], "Temp": [" 72,5", "22", "23", ""]}
    raw |= {"tailnum": ["N10156", "N102UW", "N102UW", "N103US"], "seats": [None, "182", "182", "182"]}
    raw |= {"updated_at": [f"2013-01-0{day}" for day in (1, 1, 2, 1)]}
    stores.lake().write("readings/raw/one", pa.table(raw), batch="one")
    found = validate_batch(stores.lake(), DatasetPlan(readings), "one", home)
    assert (found.rows_in, found.clean, found.quarantined, found.merged) == (4, 3, 0, 1)
    assert typed(CONTRACTS) == (2, 0)


def typed(page: str) -> tuple[int, int]:
    """How many lines of Python a page shows with what they answer, and how many answer something else."""
    blocks = "\n".join(re.findall(r"```pycon\n(.*?)```", page, flags=re.DOTALL))
    test = doctest.DocTestParser().get_doctest(blocks, {"mlops_assets": mlops_assets}, "page", None, None)
    found = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE).run(test)
    return found.attempted, found.failed


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
