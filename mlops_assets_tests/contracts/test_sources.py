"""Every registered source: all rows once, late ones too, none twice; a killed pull is as if it never was."""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from deltalake import write_deltalake

from mlops_assets.errors import LandingError, MlopsError, UnknownName
from mlops_assets.rooms.ingest import delivery, parcels
from mlops_assets.rooms.ingest.pull import SOURCES, before, pull
from mlops_assets.rooms.ingest.rows import table
from mlops_assets.spec.dataset import Dataset, Period
from mlops_assets.spec.plan import DatasetPlan
from mlops_assets.spec.source import KINDS, Source

START = datetime(2013, 1, 1, tzinfo=UTC)
Row = dict[str, Any]


def row(number: int, hour: int, note: str | None = 'it\'s; "so" -- ü') -> Row:
    return {"id": number, "at": START + timedelta(hours=hour), "note": note, "amount": number / 4}


@dataclass
class Origin:
    """Somewhere rows are, that a test can add to."""

    home: Path
    source: Mapping[str, Any]
    rows: list[Row] = field(default_factory=list)
    save: Callable[[list[Row]], None] = lambda _: None

    def holds(self, *rows: Row) -> None:
        self.rows = list(rows)
        self.save(self.rows)

    def plan(self, period: Period | None = None, **more: Any) -> DatasetPlan:
        source = Source.model_validate({**self.source, "cursor": "at", "overlap": "6h", **more})
        return DatasetPlan(Dataset(name="trips", source=source, key=("id",), event_time="at", period=period))


def landed(home: Path) -> list[Row]:
    files = sorted((home / "data/landing/trips").glob("*.parquet"))
    return [found for file in files for found in pq.read_table(file).to_pylist()]


def ids(home: Path) -> list[int]:
    return sorted(int(found["id"]) for found in landed(home))


def in_database(home: Path, url: str, kind: str, real: str = "") -> Origin:
    engine = sa.create_engine(real or url, poolclass=sa.pool.NullPool)
    zoned = sa.DateTime(timezone=True)
    table = sa.Table(
        "trips and more",
        sa.MetaData(),
        sa.Column("id", sa.Integer),
        sa.Column("at", zoned),
        sa.Column("note", sa.Text),
        sa.Column("amount", sa.Float),
    )

    def save(rows: list[Row]) -> None:
        with engine.begin() as connection:
            table.drop(connection, checkfirst=True)
            table.create(connection)
            if rows:
                connection.execute(table.insert(), rows)

    named = (
        {"table": "trips and more"}
        if kind == "table"
        else {"query": 'select *, \'a:b %\' as "x:y" from "trips and more";'}
    )
    return Origin(home, {"database": url, **named}, save=save)


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL of our own; without one skip, but in CI fail."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    control = shutil.which("pg_ctl") or (str(folders[-1] / "pg_ctl") if folders else None)
    if control is None:
        if os.environ.get("CI"):
            pytest.fail("no PostgreSQL in CI; next: run .ci/run, which installs it")
        pytest.skip("no PostgreSQL; next: install it")
    with TemporaryDirectory(prefix="postgres-") as folder:  # pytest's own folders let in nobody but root
        yield from _running(Path(control).resolve().parent, Path(folder))


def _running(binaries: Path, folder: Path) -> Iterator[str]:
    """Run it on a socket in a folder, as somebody who is not root: PostgreSQL refuses root."""
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    if user:
        os.chown(folder, 65534, 65534)
    data, options = folder / "data", f"-k {folder} -c listen_addresses= -c fsync=off"
    environment = {**os.environ, "HOME": str(folder)}

    def run(*words: str) -> None:
        command = [*user, *words, "-D", str(data)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder, env=environment)

    run(str(binaries / "initdb"), "-U", "tester", "-A", "trust")
    control = [str(binaries / "pg_ctl"), "-w", "-l", str(folder / "log")]
    run(*control, "-o", options, "start")
    try:
        yield f"postgresql+psycopg2://tester:s3cr3t-w0rd@/postgres?host={folder}"
    finally:
        run(*control, "-m", "immediate", "stop")


@contextmanager
def endpoint(origin: Origin) -> Iterator[str]:
    """An endpoint that pages by links, and wants a token."""

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = int(self.path.partition("page=")[2] or 0)
            known = self.headers["Authorization"] == "Bearer s3cr3t-w0rd"
            part = origin.rows[page * 2 : page * 2 + 2]
            shown = [{**each, "at": each["at"].isoformat()} for each in part]
            self.send_response(200 if known else 401)
            self.send_header("Content-Type", "application/json")
            if len(origin.rows) > page * 2 + 2:
                self.send_header("Link", f'<http://{self.headers["Host"]}/trips?page={page + 1}>; rel="next"')
            self.end_headers()
            self.wfile.write(json.dumps(shown if known else {"detail": "no"}).encode())

        def log_message(self, *_: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/trips"
    finally:
        server.shutdown()
        server.server_close()


FUNCTION = """
import json
from datetime import datetime
from pathlib import Path
def trips(since=None):
    rows = json.loads(Path({file!r}).read_text())
    for row in rows:
        row["at"] = datetime.fromisoformat(row["at"])
        if since is None or row["at"] >= since:
            yield row
"""


@pytest.fixture(params=["table-sqlite", "query-sqlite", "table-postgres", "query-postgres", "delta", "rest", "dlt"])
def origin(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Origin]:
    kind, _, where = str(request.param).partition("-")
    if where == "sqlite":
        yield in_database(tmp_path, "sqlite:///trips.db", kind, real=f"sqlite:///{tmp_path / 'trips.db'}")
    elif where == "postgres":
        yield in_database(tmp_path, request.getfixturevalue("postgres"), kind)
    elif kind == "delta":
        yield Origin(
            tmp_path,
            {"delta": "there"},
            save=lambda rows: write_deltalake(tmp_path / "there", pa.Table.from_pylist(rows), mode="overwrite"),
        )
    elif kind == "rest":
        made = Origin(tmp_path, {"token": "s3cr3t-w0rd"})
        with endpoint(made) as url:
            made.source = {**made.source, "rest": url}
            yield made
    else:
        file, module = tmp_path / "rows.json", f"user_trips_{tmp_path.name.rpartition('_')[2] or 0}"
        (tmp_path / f"{module}.py").write_text(FUNCTION.format(file=str(file)))
        monkeypatch.syspath_prepend(str(tmp_path))
        yield Origin(tmp_path, {"dlt": f"{module}:trips"}, save=lambda rows: _save(file, rows))


def _save(file: Path, rows: list[Row]) -> None:
    file.write_text(json.dumps([{**each, "at": each["at"].isoformat()} for each in rows]))


def test_the_suite_covers_every_source() -> None:
    assert set(SOURCES) == {"table", "query", "delta", "rest", "dlt"} == set(KINDS) - {"files", "stream"}


def test_late_rows_below_the_cursor_land_and_none_lands_twice(origin: Origin) -> None:
    plan, home = origin.plan(), origin.home
    origin.holds(row(1, 0), row(2, 10), row(3, 10, note=None))
    assert list(pull(plan, home).batches.values()) == [3]
    assert pull(plan, home).batches == {}
    late, new, same_moment = row(4, 6), row(5, 12), row(6, 10)
    origin.holds(row(1, 0), row(2, 10), row(3, 10, note=None), late, new, same_moment)
    assert list(pull(plan, home).batches.values()) == [3]
    assert ids(home) == [1, 2, 3, 4, 5, 6]
    assert pull(plan, home).batches == {}
    found = {int(each["id"]): each for each in landed(home)}
    assert found[3]["note"] is None
    assert (found[4]["note"], found[4]["amount"]) == ('it\'s; "so" -- ü', 1.0)


def test_what_is_pulled_as_a_whole_is_one_batch_that_is_replaced(origin: Origin) -> None:
    plan, home = origin.plan(cursor=None, overlap=0), origin.home
    origin.holds(row(1, 0), row(2, 1))
    assert pull(plan, home).batches == {"all": 2}
    assert pull(plan, home).batches == {}
    origin.holds(row(1, 0), row(3, 1))
    assert pull(plan, home).batches == {"all": 2}
    assert ids(home) == [1, 3]


def test_a_changed_row_lands_anew_and_a_doubled_one_stays_double(tmp_path: Path) -> None:
    origin = in_database(tmp_path, "sqlite:///trips.db", "table", real=f"sqlite:///{tmp_path / 'trips.db'}")
    origin.holds(row(1, 0), row(1, 0), row(2, 1))
    plan = origin.plan()
    assert list(pull(plan, tmp_path).batches.values()) == [3]
    origin.holds(row(1, 0), row(1, 0), row(1, 0), row(2, 1, note="mended"))
    assert list(pull(plan, tmp_path).batches.values()) == [2]
    assert ids(tmp_path) == [1, 1, 1, 2, 2]


def test_each_stretch_of_the_period_is_a_batch_of_its_own(tmp_path: Path) -> None:
    origin = in_database(tmp_path, "sqlite:///trips.db", "table", real=f"sqlite:///{tmp_path / 'trips.db'}")
    origin.holds(row(1, 0), row(2, 5), row(3, 24 * 40))
    plan = origin.plan(period=Period(every="month", timezone="America/New_York"))
    assert {name.partition("_")[0]: rows for name, rows in pull(plan, tmp_path).batches.items()} == {
        "2012-12": 1,
        "2013-01": 1,
        "2013-02": 1,
    }


@pytest.mark.parametrize("moment", ["staged", "decided", "moved"])
def test_a_pull_that_was_killed_is_ended_or_as_if_it_never_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Two batches of one pull: the second must not be left behind by the first, whose cursor is newer."""
    origin = in_database(tmp_path, "sqlite:///trips.db", "table", real=f"sqlite:///{tmp_path / 'trips.db'}")
    origin.holds(row(1, 0), row(2, 24 * 40))
    plan = origin.plan(period=Period(every="month"), overlap=0)

    class Killed(BaseException):
        """As the process would be."""

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        if moment == "staged":
            patched.setattr(parcels, "pack", killed)
        elif moment == "decided":
            patched.setattr(delivery, "_land", killed)
        else:
            patched.setattr(Path, "rmdir", killed)
        with pytest.raises(Killed):
            pull(plan, tmp_path)
    pull(plan, tmp_path)
    assert ids(tmp_path) == [1, 2]
    assert [file.name for file in (tmp_path / "data/landing/trips").iterdir() if file.is_dir()] == []


def test_a_database_that_is_not_there_is_not_made_and_no_secret_is_told(tmp_path: Path) -> None:
    for url in (
        "sqlite:///nowhere.db",
        "postgresql+psycopg2://me:s3cr3t-w0rd@127.0.0.1:1/x",
        "s3cr3t-w0rd",
        "no://s3cr3t-w0rd",
    ):
        plan = DatasetPlan(Dataset(name="trips", source=Source.model_validate({"table": "t", "database": url})))
        with pytest.raises(MlopsError, match="dataset 'trips'") as caught:
            pull(plan, tmp_path)
        chain = caught.value.__cause__
        assert "s3cr3t" not in f"{caught.value} {chain} {plan} {plan.dataset.model_dump_json()}"
    assert [file.name for file in tmp_path.iterdir()] == ["data"]


def test_a_table_or_cursor_that_is_not_there_is_answered_with_the_nearest(tmp_path: Path) -> None:
    origin = in_database(tmp_path, "sqlite:///trips.db", "table", real=f"sqlite:///{tmp_path / 'trips.db'}")
    origin.holds(row(1, 0))
    with pytest.raises(UnknownName, match="did you mean 'trips and more'"):
        pull(origin.plan(table="trips and mor"), tmp_path)
    with pytest.raises(UnknownName, match="did you mean 'at'"):
        pull(origin.plan(cursor="att"), tmp_path)
    with pytest.raises(LandingError, match="syntax error"):
        pull(origin.plan(table=None, query="selec 1"), tmp_path)
    assert landed(tmp_path) == []


def test_values_of_a_database_are_kept_exactly_or_as_text(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'odd.db'}", poolclass=sa.pool.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql("create table odd (mixed, huge, half real, empty)")
        connection.exec_driver_sql(
            f"insert into odd values (1, '{2**70}', 0.5, null), ('x', 7, 9e999, null), (x'00ff', 8, 1, null)"
        )
    plan = DatasetPlan(
        Dataset(
            name="trips", source=Source.model_validate({"query": "select * from odd", "database": "sqlite:///odd.db"})
        )
    )
    pull(plan, tmp_path)
    assert landed(tmp_path) == [
        {"mixed": "1", "huge": str(2**70), "half": 0.5, "empty": None},
        {"mixed": "x", "huge": "7", "half": float("inf"), "empty": None},
        {"mixed": "00ff", "huge": "8", "half": 1.0, "empty": None},
    ]
    with pytest.raises(LandingError, match="a column name is doubled; got: A, a"):
        table(["a", "A"], [(1, 2)], "dataset 'trips'")


def test_an_overlap_goes_with_its_cursor() -> None:
    day = timedelta(days=1)
    assert before("2013-01-02T00:00:00", day, "t") == "2013-01-01T00:00:00"
    assert before("2013-01-02", day, "t") == "2013-01-01"
    assert before(START.date(), timedelta(hours=1), "t") == (START - day).date()
    for cursor, overlap in (("x7", day), (7, day), (START, 7), ("2013-01-02", 7)):
        with pytest.raises(LandingError, match="does not go with the cursor"):
            before(cursor, overlap, "t")
