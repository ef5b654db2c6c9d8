"""Release: only with the newest recorded verdict that accepts exactly these bytes; twice is once."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from mlops_assets.errors import Damaged, NotFound, NoVerdict
from mlops_assets.rooms.evaluate.gate import Gate
from mlops_assets.rooms.evaluate.verdict import Decision, Verdict
from mlops_assets.rooms.release.promotion import Released, latest_verdict, release
from mlops_assets.stores.lineage import SqliteLineage
from mlops_assets.stores.registry import Bundle, ModelVersion

MODEL = "late_trips"


class Shelf:
    """A registry of versions without a model in them: all that a release needs."""

    def __init__(self, count: int = 3) -> None:
        self.known = {number: ModelVersion(MODEL, number, "run", f"digest-{number}") for number in range(1, count + 1)}
        self.promotions: list[tuple[int, str]] = []
        self.tags: dict[int, dict[str, str]] = {}

    def get(self, model: str, number: int) -> ModelVersion:
        if number not in self.known:
            raise NotFound.of("no such version", got=number)
        return self.known[number]

    def champion(self, model: str) -> ModelVersion | None:
        return self.known[self.promotions[-1][0]] if self.promotions else None

    def promote(self, version: ModelVersion, *, evidence: str) -> None:
        self.promotions.append((version.number, evidence))

    def annotate(self, version: ModelVersion, tags: Mapping[str, str]) -> None:
        self.tags[version.number] = dict(tags)

    def versions(self, model: str) -> list[ModelVersion]:
        return [replace(version, tags=self.tags.get(number, {})) for number, version in self.known.items()]

    def load(self, version: ModelVersion) -> Bundle:
        manifest = {"trained_until": "2023-12-31T00:00:00+00:00"}
        return Bundle(version, None, {"manifest.json": json.dumps(manifest).encode()})


@pytest.fixture
def lineage(tmp_path: Path) -> SqliteLineage:
    return SqliteLineage(tmp_path / "lineage.db")


def verdict(challenger: int = 1, champion: int | None = None, *, decision: Decision = "FIRST_MODEL") -> Verdict:
    gate = Gate("objective", decision != "REJECT", "better" if decision != "REJECT" else "no better")
    window = ("2024-01-01T00:00:00+00:00", "2024-01-28T00:00:00+00:00")
    return Verdict(MODEL, decision, (gate,), challenger, f"digest-{challenger}", champion, window, 1_000)


def released(shelf: Shelf, lineage: SqliteLineage, said: Verdict) -> Released:
    return release(shelf, lineage, MODEL, said, trained_until="2023-12-31T00:00:00+00:00")  # type: ignore[arg-type]  # all that is used of a registry


def test_a_recorded_verdict_that_accepts_releases_and_the_record_says_who_and_on_what(lineage: SqliteLineage) -> None:
    shelf, said = Shelf(), verdict()
    said.record(lineage)
    found = released(shelf, lineage, said)
    assert found.changed
    assert shelf.promotions == [(1, said.digest)]
    record = lineage.latest("release", MODEL)
    assert record is not None
    assert record.body["who"] == "verdict"
    assert (record.body["version"], record.body["evidence"]) == (1, said.digest)
    assert record.body["trained_until"] == "2023-12-31T00:00:00+00:00"


def test_releasing_twice_is_releasing_once(lineage: SqliteLineage) -> None:
    shelf, said = Shelf(), verdict()
    said.record(lineage)
    released(shelf, lineage, said)
    assert not released(shelf, lineage, said).changed
    assert len(shelf.promotions) == len(lineage.records("release", MODEL)) == 1


def test_a_kill_between_the_record_and_the_alias_is_mended_by_the_next_run(lineage: SqliteLineage) -> None:
    class Dying(Shelf):
        def promote(self, version: ModelVersion, *, evidence: str) -> None:
            raise KeyboardInterrupt

    said = verdict()
    said.record(lineage)
    with pytest.raises(KeyboardInterrupt):
        released(Dying(), lineage, said)
    shelf = Shelf()
    assert released(shelf, lineage, said).changed
    assert len(lineage.records("release", MODEL)) == 1


def test_without_a_verdict_nothing_is_released(lineage: SqliteLineage) -> None:
    with pytest.raises(NoVerdict, match="no verdict is recorded for model 'late_trips'"):
        latest_verdict(lineage, MODEL)
    with pytest.raises(NoVerdict):
        released(Shelf(), lineage, verdict())


def test_a_verdict_that_nobody_recorded_releases_nothing(lineage: SqliteLineage) -> None:
    verdict().record(lineage)
    shelf, forged = Shelf(), replace(verdict(), rows=9)
    with pytest.raises(NoVerdict, match="is not recorded, or a newer one stands"):
        released(shelf, lineage, forged)
    assert not shelf.promotions


def test_a_refused_challenger_is_not_released_and_the_reason_is_told(lineage: SqliteLineage) -> None:
    said = verdict(2, 1, decision="REJECT")
    said.record(lineage)
    with pytest.raises(NoVerdict, match=r"version 2 .* was refused; got: REJECT: no better; allowed: ACCEPT"):
        released(Shelf(), lineage, said)


def test_a_verdict_that_a_newer_one_superseded_releases_nothing(lineage: SqliteLineage) -> None:
    old = verdict(2, 1, decision="ACCEPT")
    old.record(lineage)
    verdict(3, 1, decision="REJECT").record(lineage)
    with pytest.raises(NoVerdict, match="a newer one stands"):
        released(Shelf(), lineage, old)


def test_other_bytes_than_those_judged_are_not_released(lineage: SqliteLineage) -> None:
    said = replace(verdict(), challenger_digest="other")
    said.record(lineage)
    with pytest.raises(NoVerdict, match="is not what the verdict is about; got: digest-1; allowed: other"):
        released(Shelf(), lineage, said)


def test_a_verdict_about_another_model_releases_nothing(lineage: SqliteLineage) -> None:
    verdict().record(lineage)
    with pytest.raises(NoVerdict, match="about another model"):
        released(Shelf(), lineage, replace(verdict(), model="other"))


def test_a_lineage_that_was_tampered_with_releases_nothing(lineage: SqliteLineage, tmp_path: Path) -> None:
    import sqlite3

    said = verdict(decision="REJECT")
    said.record(lineage)
    with sqlite3.connect(tmp_path / "lineage.db") as connection:
        connection.execute("DROP TRIGGER never_changed")
        connection.execute("UPDATE records SET body = replace(body, 'REJECT', 'FIRST_MODEL')")
    connection.close()
    with pytest.raises(Damaged):
        released(Shelf(), lineage, latest_verdict(lineage, MODEL))
