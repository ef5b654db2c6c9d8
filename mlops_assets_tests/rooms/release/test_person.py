"""What a person may do to a champion: go back, override for a while, approve; each with a name, and on the record."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mlops_assets.errors import Damaged, NoVerdict
from mlops_assets.rooms.evaluate.verdict import Verdict
from mlops_assets.rooms.govern.history import events, verify
from mlops_assets.rooms.release import approval
from mlops_assets.rooms.release.person import override, rollback
from mlops_assets.rooms.release.promotion import Released, release, settle
from mlops_assets.rooms.release.record import standing
from mlops_assets.spec.release import Approver, Release
from mlops_assets.stores.lineage import SqliteLineage
from mlops_assets_tests.rooms.release.test_promotion import MODEL, Shelf, verdict

FREE = Release()
STRICT = Release(approval="required", approvers=(Approver(role="risk officer"), Approver(role="head", name="Ada")))
DAYS = timedelta(days=14)


class World:
    """A registry of three versions and its lineage."""

    def __init__(self, folder: Path) -> None:
        self.shelf = Shelf()
        self.lineage = SqliteLineage(folder / "lineage.db")

    def accept(self, challenger: int, champion: int | None) -> Verdict:
        said = verdict(challenger, champion, decision="ACCEPT" if champion else "FIRST_MODEL")
        said.record(self.lineage)
        release(self.shelf, self.lineage, MODEL, said, trained_until=f"2024-01-0{challenger}T00:00:00+00:00")  # type: ignore[arg-type]
        return said

    def back(self, to: int | None = None, *, rule: Release = FREE, who: str = "Ada", role: str = "") -> Released:
        return rollback(
            self.shelf,  # type: ignore[arg-type]  # all that a rollback needs of a registry
            self.lineage,
            MODEL,
            rule=rule,
            who=who,
            reason="it answers nonsense",
            role=role,
            to=to,
        )

    def insist(
        self, version: int, *, who: str = "Ada", reason: str = "the strike", lasts: timedelta = DAYS
    ) -> Released:
        return override(self.shelf, self.lineage, MODEL, version, rule=FREE, who=who, reason=reason, lasts=lasts)  # type: ignore[arg-type]

    @property
    def champion(self) -> int | None:
        found = self.shelf.champion(MODEL)
        return found.number if found else None


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    made.accept(1, None)
    made.accept(2, 1)
    return made


def test_a_rollback_goes_to_the_version_before_and_says_who_and_why(world: World) -> None:
    released = world.back()
    assert (world.champion, released.version.number, released.changed) == (1, 1, True)
    stands = standing(world.lineage, MODEL)
    assert stands is not None
    assert (stands.decision, stands.who, stands.reason) == ("ROLLBACK", "Ada", "it answers nonsense")
    assert (stands.replaces, stands.trained_until) == (2, "2024-01-01T00:00:00+00:00")


def test_rollbacks_go_further_back_each_time_and_never_before_the_first(world: World) -> None:
    world.accept(3, 2)
    assert [world.back().version.number, world.back().version.number] == [2, 1]
    with pytest.raises(NoVerdict, match="only be rolled back to a version that was champion before"):
        world.back()


def test_a_rollback_goes_to_any_version_that_was_released_and_to_no_other(world: World) -> None:
    world.accept(3, 2)
    assert world.back(1).version.number == 1
    assert world.back(3).version.number == 3
    with pytest.raises(NoVerdict, match="is the champion already"):
        world.back(3)
    with pytest.raises(NoVerdict, match="allowed: 1, 2"):
        world.back(7)


def test_a_version_that_a_person_took_away_is_not_released_by_its_verdict_again(world: World) -> None:
    world.back()
    with pytest.raises(NoVerdict, match="was rolled back by Ada; got: it answers nonsense"):
        world.accept(2, 1)
    assert world.champion == 1
    world.insist(2)
    assert world.champion == 2


def test_a_kill_between_a_rollbacks_record_and_the_alias_is_mended(world: World) -> None:
    promote = world.shelf.promote
    world.shelf.promote = lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt)  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        world.back()
    world.shelf.promote = promote  # type: ignore[method-assign]
    assert world.champion == 2
    assert settle(world.shelf, world.lineage, MODEL)  # type: ignore[arg-type]
    assert world.champion == 1
    assert not settle(world.shelf, world.lineage, MODEL)  # type: ignore[arg-type]


def test_an_override_has_a_name_a_reason_and_an_end(world: World) -> None:
    verdict(3, 2, decision="REJECT").record(world.lineage)
    for lacking in ({"who": " "}, {"reason": ""}, {"lasts": timedelta(0)}):
        with pytest.raises(NoVerdict):
            world.insist(3, **lacking)
    assert world.champion == 2
    world.insist(3)
    stands = standing(world.lineage, MODEL)
    assert stands is not None
    assert (world.champion, stands.decision, stands.replaces) == (3, "OVERRIDE", 2)
    assert not stands.expired()
    assert stands.expired(datetime.now(UTC) + DAYS + timedelta(minutes=1))
    assert stands.evidence == verdict(3, 2, decision="REJECT").digest


def test_an_override_that_is_over_shows(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    override(
        world.shelf,  # type: ignore[arg-type]
        world.lineage,
        MODEL,
        3,
        rule=FREE,
        who="Ada",
        reason="the strike",
        lasts=DAYS,
        now=datetime(2024, 1, 1, tzinfo=UTC),
    )
    (warning,) = verify(world.lineage, world.shelf, MODEL)["warnings"]  # type: ignore[arg-type]
    assert warning == "the override of version 3 by Ada expired at 2024-01-15T00:00:00+00:00"


def test_an_alias_that_somebody_moved_by_hand_shows_and_is_put_right(world: World) -> None:
    world.shelf.promotions.append((3, "by hand"))
    (warning,) = verify(world.lineage, world.shelf, MODEL)["warnings"]  # type: ignore[arg-type]
    assert warning == "the alias says version 3, the record says 2"
    settle(world.shelf, world.lineage, MODEL)  # type: ignore[arg-type]
    assert world.champion == 2


def test_a_chain_whose_end_was_cut_off_is_told_by_the_registry(world: World, tmp_path: Path) -> None:
    cut = SqliteLineage(tmp_path / "cut.db")
    for record in world.lineage.records()[:-1]:
        cut.append(record.kind, record.subject, record.body)
    cut.verify()
    with pytest.raises(Damaged, match="cut off from the lineage"):
        verify(cut, world.shelf, MODEL)  # type: ignore[arg-type]


def test_history_tells_each_step_with_who_and_why(world: World) -> None:
    world.back()
    told = [(event.kind, event.version, event.decision, event.who) for event in events(world.lineage, MODEL)]
    assert told == [
        ("verdict", 1, "FIRST_MODEL", ""),
        ("release", 1, "FIRST_MODEL", "verdict"),
        ("verdict", 2, "ACCEPT", ""),
        ("release", 2, "ACCEPT", "verdict"),
        ("release", 1, "ROLLBACK", "Ada"),
    ]
    assert events(world.lineage, MODEL)[-1].why == "it answers nonsense"


@pytest.mark.parametrize(("who", "role"), [("Bob", "head"), ("Ada", "intern"), ("", "risk officer"), ("Ada", "")])
def test_only_whom_the_declaration_names_may_decide(world: World, who: str, role: str) -> None:
    with pytest.raises(NoVerdict):
        world.back(rule=STRICT, who=who, role=role)
    said = verdict(3, 2, decision="ACCEPT")
    with pytest.raises(NoVerdict):
        approval.approve(world.lineage, STRICT, said, who=who, role=role)
    assert world.champion == 2


def test_an_approval_is_for_one_verdict_and_said_once(world: World) -> None:
    said, other = verdict(3, 2, decision="ACCEPT"), verdict(3, 1, decision="ACCEPT")
    said.record(world.lineage)
    assert approval.granted(world.lineage, STRICT, said) is None
    for _ in range(2):
        found = approval.approve(world.lineage, STRICT, said, who="Bob", role="Risk Officer", note="seen the slices")
    assert approval.granted(world.lineage, STRICT, said) == found
    assert approval.granted(world.lineage, STRICT, other) is None
    assert len(world.lineage.records("approval")) == 1
    released = release(world.shelf, world.lineage, MODEL, said, trained_until=None, approval=found)  # type: ignore[arg-type]
    assert (released.release.who, released.release.role) == ("Bob", "Risk Officer")


def test_an_approval_by_somebody_who_is_no_longer_entitled_does_not_count(world: World) -> None:
    said = verdict(3, 2, decision="ACCEPT")
    approval.approve(world.lineage, STRICT, said, who="Bob", role="risk officer")
    narrower = Release(approval="required", approvers=(Approver(role="head"),))
    assert approval.granted(world.lineage, narrower, said) is None


@pytest.mark.parametrize("rule", [FREE, STRICT])
def test_there_is_nothing_to_approve_without_need_or_without_acceptance(world: World, rule: Release) -> None:
    refused = verdict(3, 2, decision="REJECT" if rule is STRICT else "ACCEPT")
    with pytest.raises(NoVerdict):
        approval.approve(world.lineage, rule, refused, who="Bob", role="risk officer")
