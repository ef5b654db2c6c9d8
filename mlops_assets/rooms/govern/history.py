"""What a model version was made of, how it was judged, and who released it: read from the lineage."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from mlops_assets.errors import Damaged
from mlops_assets.rooms.evaluate.verdict import Verdict
from mlops_assets.rooms.release.promotion import MARK
from mlops_assets.rooms.release.record import Release, standing
from mlops_assets.rooms.train.snapshot import Snapshot, of_version

if TYPE_CHECKING:
    from mlops_assets.stores.lineage import Lineage, Record
    from mlops_assets.stores.registry import Registry

_WHY: Final = ("reason", "note", "error")
_EVIDENCE: Final = ("evidence", "verdict", "digest", "identity")


@dataclass(frozen=True)
class Life:
    """All that is recorded of one model version.

    Attributes:
        snapshot: what it was made of.
        verdicts: on it as a challenger, oldest first.
        releases: of it, oldest first.
    """

    snapshot: Snapshot
    verdicts: tuple[Verdict, ...]
    releases: "tuple[Record, ...]"


@dataclass(frozen=True)
class Event:
    """One record of a model's life, as a reader wants it.

    Attributes:
        sequence: of the record.
        at: when it was written, ISO in UTC.
        kind: snapshot, verdict, approval, release, ...
        version: that it concerns.
        decision: what was decided.
        who: decided.
        why: in words.
        evidence: the digest that it rests on.
        digest: of the record.
    """

    sequence: int
    at: str
    kind: str
    version: int | None
    decision: str
    who: str
    why: str
    evidence: str
    digest: str

    @classmethod
    def of(cls, record: "Record") -> "Event":
        """From a record of any kind."""
        body = record.body
        role = f" ({body['role']})" if body.get("role") else ""
        return cls(
            sequence=record.sequence,
            at=record.at,
            kind=record.kind,
            version=body.get("version", body.get("challenger")),
            decision=str(body.get("decision", "")),
            who=f"{body.get('who', '')}{role}",
            why=_why(body),
            evidence=next((str(body[name]) for name in _EVIDENCE if body.get(name)), ""),
            digest=record.digest,
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def life(lineage: "Lineage", model: str, version: int) -> Life:
    """Everything recorded of a model version.

    Raises:
        NotFound: nothing is recorded of it.
    """
    verdicts = [Verdict.of(record.body) for record in lineage.records("verdict", model)]
    releases = [record for record in lineage.records("release", model) if record.body["version"] == version]
    own = tuple(verdict for verdict in verdicts if verdict.challenger == version)
    return Life(of_version(lineage, model, version), own, tuple(releases))


def events(lineage: "Lineage", model: str) -> list[Event]:
    """Everything recorded of a model, oldest first."""
    return [Event.of(record) for record in lineage.records(subject=model)]


def verify(lineage: "Lineage", registry: "Registry", model: str) -> dict[str, Any]:
    """Whether the record holds together, and with the registry.

    The chain cannot tell that its newest records were cut off; the registry, which names the record of each release,
    can.

    Returns:
        `records`, `head` (digest of the newest record) and `warnings`.

    Raises:
        Damaged: a record was changed, removed, put between, or cut off.
    """
    lineage.verify()
    chain = lineage.records()
    known = {record.digest for record in chain}
    versions = registry.versions(model)
    lost = [version.number for version in versions if version.tags.get(MARK) and version.tags[MARK] not in known]
    if lost:
        raise Damaged.of("the record of a release was cut off from the lineage", got=f"versions {lost} of '{model}'")
    return {
        "records": len(chain),
        "head": chain[-1].digest if chain else "",
        "warnings": _warnings(standing(lineage, model), registry, model),
    }


def _warnings(stands: Release | None, registry: "Registry", model: str) -> list[str]:
    champion = registry.champion(model)
    found = []
    if (champion.number if champion else None) != (stands.version if stands else None):
        said = stands.version if stands else "none"
        found.append(f"the alias says version {champion.number if champion else 'none'}, the record says {said}")
    if stands and stands.expired():
        found.append(stands.overriding())
    return found


def _why(body: Mapping[str, Any]) -> str:
    if "gates" in body:
        return "; ".join(gate["reason"] for gate in body["gates"] if not gate["passed"])
    return next((str(body[name]) for name in _WHY if body.get(name)), "")
