"""A training that failed is recorded with all that it was made of, so that it can be looked at again as it was."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from mlops_assets.rooms.train.challenger import inputs_read
from mlops_assets.rooms.train.identity import digest, ingredients
from mlops_assets.rooms.train.snapshot import Snapshot, capture

if TYPE_CHECKING:
    from mlops_assets.spec.plan import ModelPlan
    from mlops_assets.stores.lake import Lake
    from mlops_assets.stores.lineage import Lineage

FAILURE: Final = "failure"


@dataclass(frozen=True)
class Failure:
    """How a training failed.

    Attributes:
        snapshot: of what it was to be made of.
        stage: of the model's way that failed, such as leaderboard.
        error: the exception's name.
        message: its words.
    """

    snapshot: Snapshot
    stage: str
    error: str
    message: str

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "Failure":
        """From the body of a lineage record."""
        return cls(Snapshot.of(body), body["stage"], body["error"], body["message"])


@contextmanager
def watched(lake: "Lake", lineage: "Lineage", plan: "ModelPlan", *, stage: str, run: str) -> Iterator[None]:
    """Record what fails in the block, and let it fail.

    Args:
        lake: holds the training set.
        lineage: is written to.
        plan: of the model.
        stage: that runs in the block.
        run: Dagster's.
    """
    try:
        yield
    except Exception as error:
        parts = ingredients(lake, plan)
        snapshot = capture(lineage, plan, parts, read=inputs_read(lake, plan), dagster_run=run)
        words = {"stage": stage, "error": type(error).__name__, "message": str(error)}
        once = f"failure:{plan.name}:{run}:{digest([parts.identity, words])}"
        lineage.append(FAILURE, plan.name, {**asdict(snapshot), **words}, once=once)
        raise
