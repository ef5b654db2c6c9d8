"""Two trainings side by side: parameters, metrics, data, code and environment."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from subprocess import CalledProcessError
from typing import TYPE_CHECKING, Any, Final

from mlops_assets.errors import NotFound
from mlops_assets.rooms.govern.subject import CHAMPION, find
from mlops_assets.stores import provenance
from mlops_assets.stores.distributions import Lock

if TYPE_CHECKING:
    from mlops_assets.rooms.train.snapshot import Snapshot
    from mlops_assets.stores.lineage import Lineage
    from mlops_assets.stores.registry import Registry, RunRecord

NO_PATCH: Final = ""
Pair = tuple[Any, Any]


@dataclass(frozen=True)
class Side:
    """One of two trainings.

    Attributes:
        name: as it was asked for.
        run: what it left in the registry.
        snapshot: of what it was made; None of a run that has none.
    """

    name: str
    run: "RunRecord"
    snapshot: "Snapshot | None"


@dataclass(frozen=True)
class Comparison:
    """What two trainings have of each kind; a pair is (left, right), and None where one has nothing.

    Attributes:
        names: as they were asked for.
        status: of the two runs.
        parameters: that differ.
        metrics: all of them.
        data: table to (version, fingerprint) of each, all of them.
        code: commit, tree, and digests of patch and train room, that differ.
        files: that differ between the two trees, as git tells it.
        environment: distributions whose version differs.
        same_model: whether the bytes are the same.
    """

    names: tuple[str, str]
    status: tuple[str, str]
    parameters: Mapping[str, Pair]
    metrics: Mapping[str, Pair]
    data: Mapping[str, Pair]
    code: Mapping[str, Pair]
    files: tuple[str, ...]
    environment: Mapping[str, Pair]
    same_model: bool
    patch: str = field(default=NO_PATCH, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def side(lineage: "Lineage", registry: "Registry", asked: str) -> Side:
    """A training by name: `model@3`, `model@champion`, or the id of an MLflow run.

    Raises:
        NotFound: nothing goes by that name.
    """
    model, at, version = asked.partition("@")
    if at:
        champion = registry.champion(model) if version == CHAMPION else None
        number = champion.number if champion else int(version) if version.isdecimal() else -1
        found = registry.get(model, number)
        run = registry.run(found.run_id)
    else:
        run = registry.run(asked)
    try:
        snapshot = find(lineage, registry, asked if at else run.run_id).snapshot
    except NotFound:  # a training that failed before it was made of anything, or one of another tool
        snapshot = None
    return Side(asked, run, snapshot)


def compare(lineage: "Lineage", left: Side, right: Side) -> Comparison:
    """All that can be told of two trainings together."""
    codes, ours, theirs = _codes(left, right), left.snapshot, right.snapshot
    return Comparison(
        names=(left.name, right.name),
        status=(left.run.status, right.run.status),
        parameters=_differing(left.run.params, right.run.params),
        metrics=_pairs(left.run.metrics, right.run.metrics),
        data=_pairs(ours.inputs if ours else {}, theirs.inputs if theirs else {}),
        code=codes,
        files=_files(left, right),
        environment=_differing(_pins(lineage, ours), _pins(lineage, theirs)),
        same_model=bool(ours and theirs and ours.digest and ours.digest == theirs.digest),
        patch=_patch(left, right),
    )


def _codes(left: Side, right: Side) -> dict[str, Pair]:
    told = ("commit", "tree", "diff", "package", "room")
    one, other = (
        {name: side.snapshot.code.get(name, "") for name in told} if side.snapshot else {} for side in (left, right)
    )
    return _differing(one, other)


def _files(left: Side, right: Side) -> tuple[str, ...]:
    told = _between(left, right, "--name-status")
    return tuple(line.replace("\t", " ") for line in told.splitlines())


def _patch(left: Side, right: Side) -> str:
    return _between(left, right, "--patch", "--no-color")


def _between(left: Side, right: Side, *how: str) -> str:
    """What git says of the committed trees; empty where they are the same, or git has one of them no more."""
    if left.snapshot is None or right.snapshot is None:
        return NO_PATCH
    root, commits = Path(right.snapshot.code.get("root", "")), [s.code.get("commit", "") for s in _both(left, right)]
    if not all(commits) or commits[0] == commits[1] or provenance.repository(root) is None:
        return NO_PATCH
    try:
        return provenance.git(root, "diff", *how, *commits).decode(errors="replace")
    except CalledProcessError:
        return NO_PATCH


def _both(left: Side, right: Side) -> "list[Snapshot]":
    return [side.snapshot for side in (left, right) if side.snapshot is not None]


def _pins(lineage: "Lineage", snapshot: "Snapshot | None") -> dict[str, str]:
    if snapshot is None or not snapshot.lock:
        return {}
    lock = Lock.of(lineage.content(snapshot.lock))
    return {"python": lock.python, **{each.name: each.version for each in lock.distributions}}


def _pairs(left: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, Pair]:
    return {name: (left.get(name), right.get(name)) for name in sorted({*left, *right})}


def _differing(left: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, Pair]:
    return {name: pair for name, pair in _pairs(left, right).items() if pair[0] != pair[1]}
