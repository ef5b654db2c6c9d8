"""Lineage: a chain that only grows, and that tells when somebody touched it."""

import sqlite3
import threading
from pathlib import Path

import pytest

from mlops_assets.errors import Damaged, StoreError
from mlops_assets.stores.lineage import SqliteLineage


@pytest.fixture
def lineage(tmp_path: Path) -> SqliteLineage:
    chain = SqliteLineage(tmp_path / "made" / "lineage.db")
    for number in range(3):
        chain.append("verdict", "m", {"number": number, "words": "ü"})
    return chain


def tamper(lineage: SqliteLineage, *statements: str) -> None:
    with sqlite3.connect(lineage.path) as connection:
        for statement in ("DROP TRIGGER never_changed", "DROP TRIGGER never_deleted", *statements):
            connection.execute(statement)
    connection.close()


def test_records_are_chained_without_gaps(lineage: SqliteLineage) -> None:
    records = lineage.records()
    assert [record.sequence for record in records] == [1, 2, 3]
    assert [record.previous for record in records[1:]] == [record.digest for record in records[:-1]]
    assert lineage.latest("verdict", "m") == records[-1]
    assert lineage.latest("release", "m") is None
    lineage.verify()


def test_the_same_once_key_gives_the_same_record(lineage: SqliteLineage) -> None:
    first = lineage.append("demand", "m", {"reason": "a"}, once="k")
    assert lineage.append("demand", "m", {"reason": "b"}, once="k") == first
    assert len(lineage.records(kind="demand", subject="m")) == 1


@pytest.mark.parametrize("statement", ["UPDATE records SET subject = 'x'", "DELETE FROM records"])
def test_the_database_refuses_what_is_not_an_append(lineage: SqliteLineage, statement: str) -> None:
    connection = sqlite3.connect(lineage.path)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE records SET body = '{\"number\":9}' WHERE sequence = 2",
        "UPDATE records SET subject = 'other' WHERE sequence = 1",
        "UPDATE records SET once = 'k' WHERE sequence = 3",
        "DELETE FROM records WHERE sequence = 2",
        "DELETE FROM records WHERE sequence = 1",
    ],
)
def test_a_chain_that_was_touched_is_damaged(lineage: SqliteLineage, statement: str) -> None:
    tamper(lineage, statement)
    with pytest.raises(Damaged, match="is broken"):
        lineage.verify()


def test_many_writers_make_one_chain(lineage: SqliteLineage) -> None:
    def write(name: int) -> None:
        for turn in range(5):
            lineage.append("demand", "m", {"by": name}, once=f"turn {turn}")
            lineage.append("demand", str(name), {})

    threads = [threading.Thread(target=write, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lineage.records(subject="m", kind="demand")) == 5
    assert len(lineage.records()) == 3 + 5 + 20
    lineage.verify()


@pytest.mark.parametrize("body", [{"x": float("nan")}, {"x": object()}])
def test_a_body_that_is_no_json_is_refused(lineage: SqliteLineage, body: dict[str, object]) -> None:
    with pytest.raises(StoreError, match="must be JSON"):
        lineage.append("verdict", "m", body)
    assert len(lineage.records()) == 3
