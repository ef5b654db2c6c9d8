"""The commands by which a person acts on a champion do it: the alias, the record and what is served tell the same."""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from mlops_assets.cli.home import prepare, unlogged
from mlops_assets.resources.stores import Stores
from mlops_assets_tests.rooms import trips
from mlops_assets_tests.rooms.commands import declared, mlops, retrain

pytestmark = pytest.mark.slow
MODEL = "late_trips"
PAGE = (Path(__file__).parents[2] / "docs" / "release.md").read_text()
[SHOWN] = re.findall(r"```console\n(\$ mlops rollback.*?)```", PAGE, flags=re.DOTALL)
COMMANDS: list[tuple[str, str]] = re.findall(r"^\$ mlops (.*)\n((?:[^$\n].*\n)*)", SHOWN, flags=re.MULTILINE)
"""What the page says, and what it shows for an answer."""
ADA = ("--who", "Ada", "--role", "head")
JUDGED = {"resamples": 100, "gates": ["complete", "objective", "skill"]}
POOR = trips.plan(
    columns={"noise": "noise", "rain": "rain"},
    evaluate=JUDGED,
    release={"approval": "required", "approvers": [{"role": "head"}]},
)
BETTER = trips.plan(evaluate=JUDGED)


@dataclass(frozen=True)
class Chapter:
    """What a command said, and how things stood afterwards.

    Attributes:
        code: the exit code.
        output: what it printed.
        champion: the version that MLflow's alias names; None: none.
        live: the version whose bundle the service answers with; None: none.
        event: the newest of `mlops history` that is a decision, not a measurement.
        warnings: of it.
        run: the newest that Dagster lists: its job, and whether it succeeded.
    """

    code: int
    output: str
    champion: int | None
    live: int | None
    event: Mapping[str, Any]
    warnings: list[str]
    run: tuple[str, bool]


def chapter(home: Path, *words: str) -> Chapter:
    """Say a command, and write down how things stand."""
    said, stores = mlops(home, *words, width=100), Stores(home=str(home))
    champion, live = stores.registry().champion(MODEL), stores.serving().live(MODEL)
    history = json.loads(mlops(home, "history", MODEL, "--json").output)
    with unlogged(prepare(home)) as instance:
        [run] = instance.get_runs(limit=1)
    return Chapter(
        said.exit_code,
        said.output,
        champion.number if champion else None,
        stores.serving().load(MODEL, live.champion).manifest["version"] if live else None,
        [event for event in history["events"] if event["kind"] != "formats"][-1],
        history["warnings"],
        (run.job_name, run.status is dg.DagsterRunStatus.SUCCESS),
    )


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Chapter]:
    """A poor version waits for a person; a better one is released by its verdict; then the page is done as it stands;
    then a person overrides, and goes back.
    """
    home = tmp_path_factory.mktemp("released")
    trips.fill(Stores(home=str(home)).lake(), trips.rows(2_500))  # type: ignore[arg-type]  # the embedded lake
    retrain(home, POOR)
    with declared(home, POOR):
        first = {
            "waits": chapter(home, "promote", MODEL),
            "a guest": chapter(home, "approve", MODEL, "--who", "Bob", "--role", "guest"),
            "approved": chapter(home, "approve", MODEL, *ADA, "--note", "seen"),
            "promoted": chapter(home, "promote", MODEL),
        }
    retrain(home, BETTER)
    with declared(home, BETTER):
        page = {words: chapter(home, *shlex.split(words.replace("flight_delays", MODEL))) for words, _ in COMMANDS}
        against = ("--override", "--version", "2", *ADA, "--reason", "the strike", "--expires", "14d")
        last = {
            "overridden": chapter(home, "promote", MODEL, *against),
            "back": chapter(home, "rollback", MODEL, *ADA, "--reason", "it is over"),
        }
    return {**first, **page, **last}


def test_a_release_that_waits_is_refused_and_so_is_a_yes_from_somebody_else(story: Mapping[str, Chapter]) -> None:
    waits, guest = story["waits"], story["a guest"]
    assert "version 1 waits for approval: mlops approve late_trips --who NAME --role ROLE" in waits.output
    assert "got: Bob as guest; allowed: anybody as head" in guest.output
    for refused in (waits, guest):
        assert (refused.code, refused.champion, refused.live) == (1, None, None)
        assert refused.event["kind"] == "approval_request"
        assert not refused.run[1]


def test_an_approval_is_recorded_and_promote_releases_what_it_approves(story: Mapping[str, Chapter]) -> None:
    approved, promoted = story["approved"], story["promoted"]
    assert (approved.code, approved.run) == (0, ("late_trips_approve", True))
    assert approved.output.startswith("Ada (head) approved the release of late_trips; the sensor late_trips_approved")
    assert told(approved) == ("approval", 1, "", "Ada (head)", "seen")
    assert (approved.champion, approved.live) == (None, None), "it is the release that changes what is served"
    assert (promoted.code, promoted.run) == (0, ("late_trips_promote", True))
    assert promoted.output == "late_trips version 1 is champion: FIRST_MODEL by Ada\n"
    assert told(promoted) == ("release", 1, "FIRST_MODEL", "Ada (head)", "seen")
    assert promoted.event["evidence"] == approved.event["evidence"]
    assert (promoted.champion, promoted.live, promoted.warnings) == (1, 1, [])


def test_a_rollback_takes_alias_record_and_service_back(story: Mapping[str, Chapter]) -> None:
    first, again, refused, _ = (story[words] for words, _ in COMMANDS)
    assert (first.code, first.run) == (0, ("late_trips_rollback", True))
    assert told(first) == ("release", 1, "ROLLBACK", "Ada Lovelace (duty officer)", "storm scores are nonsense")
    assert first.event["evidence"] == story["promoted"].event["evidence"]
    for chapter in (first, again, refused):
        assert (chapter.champion, chapter.live, chapter.warnings) == (1, 1, [])
    assert (again.code, refused.code) == (1, 1)
    assert again.event == refused.event == first.event


def test_an_override_is_released_until_it_expires_and_can_be_taken_back(story: Mapping[str, Chapter]) -> None:
    over, back = story["overridden"], story["back"]
    assert (over.code, over.run) == (0, ("late_trips_promote", True))
    [until] = re.findall(r"^late_trips version 2 is champion: OVERRIDE by Ada, until (.*)$", over.output)
    written = datetime.fromisoformat(over.event["at"])
    assert abs(datetime.fromisoformat(until) - written - timedelta(days=14)) < timedelta(minutes=10)
    assert told(over) == ("release", 2, "OVERRIDE", "Ada (head)", "the strike")
    assert (over.champion, over.live, over.warnings) == (2, 2, [])
    assert (back.code, back.output) == (0, "late_trips version 1 is champion: ROLLBACK by Ada\n")
    assert told(back) == ("release", 1, "ROLLBACK", "Ada (head)", "it is over")
    assert (back.champion, back.live, back.warnings) == (1, 1, [])


@pytest.mark.parametrize(("words", "shown"), COMMANDS)
def test_what_the_page_shows_is_what_a_command_answers(words: str, shown: str, story: Mapping[str, Chapter]) -> None:
    said = plain(story[words].output)
    lines = [plain(line) for line in shown.replace("flight_delays", MODEL).splitlines()]
    assert lines
    assert said.splitlines() == lines if "│" not in shown else [*filter(lines.count, said.splitlines())] == lines


def told(chapter: Chapter) -> tuple[Any, ...]:
    """What the record says of who did what."""
    return tuple(chapter.event[name] for name in ("kind", "version", "decision", "who", "why"))


def plain(text: str) -> str:
    """Without what no two runs share: days and digests."""
    return re.sub(r"\d{4}-\d\d-\d\d", "DAY", re.sub(r"\b[0-9a-f]{8}([0-9a-f]{8})?\b", "DIGEST", text))
