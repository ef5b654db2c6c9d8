"""Whether a feature knows the answer: by how it is declared, and by how well it alone tells the outcomes apart."""

from typing import TYPE_CHECKING, Any, Final

from mlops_assets.rooms.train.metrics import METRICS
from mlops_assets.spec.feature_table import window_name
from mlops_assets.stores.expression import columns_mentioned, columns_named
from mlops_assets.stores.sql import connect

if TYPE_CHECKING:
    import pandas as pd

    from mlops_assets.rooms.train.metric import Floats, Ints
    from mlops_assets.rooms.train.training_set import Examples
    from mlops_assets.spec.plan import FeaturePlan, ModelPlan

SUSPICIOUS: Final = 0.98
MAX_ROWS: Final = 50_000
LEVELS: Final = 64
PRIOR_ROWS: Final = 1.0


def declared_leaks(plan: "ModelPlan") -> dict[str, str]:
    """Feature to the column it reads that nobody knows at the event time, of its own row.

    Aggregations may read outcomes of a dataset that declares them: they see those that were known before the row. A
    dataset without `outcomes` counts its rows from their event time on, so none may read there what the target is made
    of; where it is known as early as that, the dataset says so: `outcomes: {known_at: ...}`.
    """
    outcomes = plan.dataset.outcomes
    later = {*outcomes.columns, outcomes.known_at} if outcomes else set()
    found: dict[str, str] = {}
    with connect() as connection:
        target = [plan.model.target.column, *columns_mentioned(connection, plan.model.target.expression or "null")]
        hidden = sorted({*later, plan.model.target.column})
        for table in plan.tables:
            read = [(name, expression, hidden) for name, expression in table.table.columns.items()]
            for name, expression, columns in [*read, *_undated(table, target)]:
                if named := columns_named(connection, expression, columns):
                    found[name] = named[0]
    return found


def _undated(plan: "FeaturePlan", target: list[str]) -> list[tuple[str, str, list[str]]]:
    """Aggregations over datasets that do not say when outcomes are known, each with what it may not name.

    Of the described dataset that is the target and all it is made of, of another the target's own name.
    """
    table = plan.table
    return [
        (window_name(each, over), each.of, target if table.counted(each) == table.dataset else target[:1])
        for each in table.aggregations
        if plan.datasets[table.counted(each)].outcomes is None
        for over in each.over
    ]


def suspicious(examples: "Examples") -> dict[str, float]:
    """Feature to how well it alone tells the outcomes apart, of those that do so nearly perfectly (more than .98).

    Each value is scored by the mean outcome of like values in the other half of the rows, so that neither a monotonic
    nor a rare-value relation is needed, and many values alone do not look like knowledge. The figure is the ROC AUC,
    averaged over the classes against the others; of a value it is the share of the variance of its ranks.
    """
    import numpy as np

    stride = -(-len(examples.labels) // MAX_ROWS)
    targets = _targets(examples.task.name, examples.labels[::stride], len(examples.task.classes))
    half = np.arange(len(targets[0])) % 2
    known = METRICS["r2" if examples.task.name == "regression" else "roc_auc"]
    found = {}
    for feature in examples.features:
        levels = _levels(examples.frame[feature.name].iloc[::stride], feature.kind)
        figure = float(np.nanmean([known(each[half == 1], _shares(levels, each, half)) for each in targets]))
        if figure > SUSPICIOUS:
            found[feature.name] = figure
    return found


def _targets(task: str, outcomes: "Floats", classes: int) -> "list[Floats]":
    """What a feature might know: whether yes, whether each of the classes, or how high a value ranks."""
    import numpy as np

    if task == "multiclass":
        present = [k for k in range(classes) if (outcomes == k).any()]
        return [(outcomes == k).astype(np.float64) for k in present]
    if task == "binary":
        return [outcomes]
    _, places, counts = np.unique(outcomes, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - counts / 2
    return [np.asarray(ranks[places] / len(outcomes), dtype=np.float64)]


def _levels(values: "pd.Series[Any]", kind: str) -> "Ints":
    import numpy as np
    import pandas as pd

    if kind == "category":
        return np.asarray(pd.factorize(values, use_na_sentinel=False)[0], dtype=np.int64)
    numbers = values.to_numpy(dtype=np.float64)
    known = np.isfinite(numbers)
    distinct = np.unique(numbers[known])
    edges = distinct if len(distinct) <= LEVELS else np.unique(np.quantile(numbers[known], np.linspace(0, 1, LEVELS)))
    return np.where(known, np.searchsorted(edges, numbers), len(edges) + 1).astype(np.int64)


def _shares(levels: "Ints", labels: "Floats", half: "Ints") -> "Floats":
    import numpy as np

    count = int(levels.max()) + 1
    learnt, asked = half == 0, half == 1
    yes = np.bincount(levels[learnt], weights=labels[learnt], minlength=count)
    rows = np.bincount(levels[learnt], minlength=count)
    share = (yes + PRIOR_ROWS * labels[learnt].mean()) / (rows + PRIOR_ROWS)
    return np.asarray(share[levels[asked]], dtype=np.float64)
