"""What became of a batch: rows, reasons, repairs and versions, as Dagster shows them and the tests read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mlops_assets.rooms.validate.evolution import Change
from mlops_assets.stores.lake import TableVersion

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Outcome:
    """What became of a batch.

    Attributes:
        file: the landed file that the batch came from.
        rows_in: rows of the raw batch.
        clean: rows published; none when the batch is stopped.
        quarantined: rows in quarantine; all when the batch is stopped.
        merged: rows left out because one with the same key is clean.
        share: of rows with a reason of their own, on which the limit is set.
        reasons: to rows, the most frequent first.
        examples: reason to the numbers of its first rows.
        repaired: repair and column to the cells that it changed, the most frequent first.
        breach: why no row could be judged; empty when all were.
        excess: why too many rows are bad; empty when they aren't.
        changes: of the contract, adopted with this batch.
        restated: other batches that were validated again, as the contract's columns changed.
        versions: stage to what was written.
        schemas: stage to the schema of its table.
    """

    file: str
    rows_in: int
    clean: int
    quarantined: int
    merged: int
    share: float
    reasons: Mapping[str, int] = field(default_factory=dict)
    examples: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    repaired: Mapping[str, int] = field(default_factory=dict)
    breach: str = ""
    excess: str = ""
    changes: Sequence[Change] = ()
    restated: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, TableVersion] = field(default_factory=dict)
    schemas: Mapping[str, "pa.Schema"] = field(default_factory=dict)

    @property
    def stopped(self) -> str | None:
        """Why the way stops for this batch, or None."""
        return self.breach or self.excess or None

    @property
    def conserved(self) -> bool:
        """Rows in = clean + quarantined + merged."""
        return self.rows_in == self.clean + self.quarantined + self.merged

    @property
    def account(self) -> str:
        """Where the rows went, in words."""
        return f"{self.rows_in} in; {self.clean} clean, {self.quarantined} quarantined, {self.merged} merged"
