"""What a model version was made of, how it was judged, and who released it: read from the lineage."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlops_assets.rooms.evaluate.verdict import Verdict
from mlops_assets.rooms.train.snapshot import Snapshot, of_version

if TYPE_CHECKING:
    from mlops_assets.stores.lineage import Lineage, Record


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


def life(lineage: "Lineage", model: str, version: int) -> Life:
    """Everything recorded of a model version.

    Raises:
        NotFound: nothing is recorded of it.
    """
    verdicts = [Verdict.of(record.body) for record in lineage.records("verdict", model)]
    releases = [record for record in lineage.records("release", model) if record.body["version"] == version]
    own = tuple(verdict for verdict in verdicts if verdict.challenger == version)
    return Life(of_version(lineage, model, version), own, tuple(releases))
