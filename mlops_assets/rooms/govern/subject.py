"""What is to be brought back, found by any name that it goes by: a model's version, a run, a record."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mlops_assets.errors import NotFound
from mlops_assets.rooms.train.failure import FAILURE, Failure
from mlops_assets.rooms.train.snapshot import SNAPSHOT, Snapshot

if TYPE_CHECKING:
    from mlops_assets.stores.lineage import Lineage, Record
    from mlops_assets.stores.registry import Registry

SHORTEST: Final = 6
"""Characters of a digest or an id that name it."""
CHAMPION: Final = "champion"


@dataclass(frozen=True)
class Subject:
    """A snapshot, and how it failed if it did.

    Attributes:
        snapshot: what a model was made of, or was to be made of.
        failure: how the training failed; None when it did not.
        sequence: of its record.
    """

    snapshot: Snapshot
    failure: Failure | None
    sequence: int

    @property
    def name(self) -> str:
        """Short and good for a folder."""
        made = f"v{self.snapshot.version}" if self.snapshot.version else f"failure-{self.sequence}"
        return f"{self.snapshot.model}-{made}"


def find(lineage: "Lineage", registry: "Registry", asked: str) -> Subject:
    """The snapshot that a name means.

    Args:
        lineage: holds the snapshots.
        registry: knows who is champion.
        asked: `model@3`, `model@champion`, the id of a Dagster or MLflow run, the beginning of an identity or digest,
            or `#12` for a record.

    Raises:
        NotFound: nothing, or more than one thing, goes by that name.
    """
    known = [*lineage.records(SNAPSHOT), *lineage.records(FAILURE)]
    model, at, version = asked.partition("@")
    if at and version == CHAMPION:
        champion = registry.champion(model)
        version = str(champion.number) if champion else version
    found = [record for record in known if _goes_by(record, asked, model, version if at else "")]
    if len({record.body["identity"] for record in found}) != 1:
        raise NotFound.of(
            f"no snapshot goes by '{asked}'" if not found else f"more than one snapshot goes by '{asked}'",
            got=", ".join(map(_told, found)) or None,
            allowed=", ".join(map(_told, known)) or "(none yet)",
            step="name a version, such as MODEL@3 or MODEL@champion; a run; or a record, such as #12",
        )
    record = found[-1]
    failed = record.kind == FAILURE
    return Subject(Snapshot.of(record.body), Failure.of(record.body) if failed else None, record.sequence)


def _goes_by(record: "Record", asked: str, model: str, version: str) -> bool:
    if version:
        return record.subject == model and record.kind == SNAPSHOT and str(record.body["version"]) == version
    if asked.startswith("#"):
        return asked[1:] == str(record.sequence)
    if len(asked) < SHORTEST:
        return False
    names = (record.body[name] for name in ("identity", "digest", "run_id", "dagster_run") if record.body.get(name))
    return any(str(name).startswith(asked) for name in names)


def _told(record: "Record") -> str:
    version = record.body["version"]
    return f"{record.subject}@{version}" if version else f"#{record.sequence} ({record.body['error']})"
