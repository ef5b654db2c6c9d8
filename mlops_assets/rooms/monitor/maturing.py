"""How much of a window's truth is known at the cut-off, what is still to come, and what will never be known."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mlops_assets.rooms.monitor.window import labels_of
from mlops_assets.stores import sql
from mlops_assets.stores.labels import LABELLED

if TYPE_CHECKING:
    import pyarrow as pa

    from mlops_assets.spec.plan import ModelPlan
    from mlops_assets.stores.labels import LabelStore

NAN = float("nan")
NO_LABEL = "no_label"
"""The status of an answer to a row that the labels do not hold."""


@dataclass(frozen=True)
class Maturity:
    """The truth about a window's answers.

    Attributes:
        predicted: answers given.
        matured: of them, those whose outcome is known by the cut-off.
        pending: those whose outcome is to come.
        never: reason to those that will have no outcome, such as cancelled flights: they are censored.
        matured_score: what was said on average of the matured ones.
        unknown_score: of all the others: far from it, the matured ones are no fair sample.
        newest_known: when the last of the matured outcomes became known; None where nobody says.
    """

    predicted: int
    matured: int
    pending: int
    never: Mapping[str, int]
    matured_score: float = NAN
    unknown_score: float = NAN
    newest_known: datetime | None = None

    @property
    def coverage(self) -> float:
        """The share of the answers that can have an outcome whose outcome is known."""
        possible = self.matured + self.pending
        return self.matured / possible if possible else NAN

    @property
    def censored(self) -> int:
        """Answers that will have no outcome."""
        return sum(self.never.values())

    @property
    def words(self) -> str:
        """The same in a sentence."""
        known = f"{self.matured:,} of {self.predicted:,} answers have a known outcome"
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in self.never.items())
        lost = f", {self.censored:,} will never have one ({reasons})" if self.never else ""
        return f"{known}, {self.pending:,} are still to come{lost}."

    def row(self) -> dict[str, Any]:
        """As the history keeps it."""
        return {
            "pending": self.pending,
            "censored": self.censored,
            "matured_score": self.matured_score,
            "unknown_score": self.unknown_score,
        }


def maturity(labels: "LabelStore", plan: "ModelPlan", given: "pa.Table", cutoff: datetime | None) -> Maturity:
    """Look up each answer of a window by its row's key.

    Args:
        labels: the ground truth.
        plan: of the model.
        given: the answers.
        cutoff: up to when outcomes count as known; None: all that there are.
    """
    key = sql.identifiers(plan.dataset.key)
    known = f"status = '{LABELLED}' and label is not null"
    by_now = f"{known} and ($1 is null or known_at <= $1)"
    query = f"""select
        case when {by_now} then 'matured' when {known} then 'pending' else coalesce(status, '{NO_LABEL}') end as fate,
        count(*), avg(score), max(known_at)
        from given left join labels using ({key}) group by 1 order by 2 desc"""
    with sql.session() as connection:
        connection.register("given", given.select([*plan.dataset.key, "score"]))
        connection.register("labels", labels_of(labels, plan, given))
        found = connection.execute(query, [cutoff]).fetchall()
    counts = {fate: (int(count), float(score)) for fate, count, score, _ in found}
    others = [pair for fate, pair in counts.items() if fate != "matured"]
    rest = sum(count for count, _ in others)
    return Maturity(
        predicted=given.num_rows,
        matured=counts.get("matured", (0, NAN))[0],
        pending=counts.get("pending", (0, NAN))[0],
        never={fate: count for fate, (count, _) in counts.items() if fate not in ("matured", "pending")},
        matured_score=counts.get("matured", (0, NAN))[1],
        unknown_score=sum(count * score for count, score in others) / rest if rest else NAN,
        newest_known=next((moment for fate, _, _, moment in found if fate == "matured"), None),
    )
