"""What a model looks at: coefficients of an explainable one, and for any how much it loses without a feature."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from mlops_assets.rooms.train.threads import one_thread

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from mlops_assets.rooms.train.ground import Ground
    from mlops_assets.rooms.train.metric import Metric

ROWS: Final = 1_500
KEPT: Final = 40
"""Coefficients that are kept, the largest first."""


def importance(ground: "Ground", pipeline: "Pipeline", objective: "Metric") -> dict[str, float]:
    """Feature to how much the objective loses when its values are shuffled (Breiman, 2001, Machine Learning 45).

    Args:
        ground: whose last stretch the pipeline was not trained on; at most 1,500 of its rows are asked.
        pipeline: of that stretch.
        objective: by which it is judged.
    """
    import numpy as np

    inside = np.flatnonzero(ground.folds == ground.folds.max())
    rows = inside[:: max(1, len(inside) // ROWS)][:ROWS]
    task, data = ground.examples.task, ground.examples.frame.iloc[ground.positions[rows]]
    outcomes, found = ground.outcomes[rows], {}
    with one_thread():
        whole = objective(outcomes, task.scores(pipeline, data))
        for feature in ground.examples.features:
            order = np.random.default_rng(ground.seed).permutation(len(data))
            shuffled = data.assign(**{feature.name: data[feature.name].to_numpy()[order]})
            found[feature.name] = objective.gain(whole, objective(outcomes, task.scores(pipeline, shuffled)))
    return found


def coefficients(pipeline: "Pipeline") -> Mapping[str, float]:
    """Input to its weight, of a linear model over named columns; of a rule, each case to what it says of it.

    Empty for any other model, and for more than two classes. Numbers are in standard deviations, a category counts when
    it is there; in a rule numbers are as they come.
    """
    import numpy as np

    model, columns = pipeline.steps[-1][1], pipeline.named_steps.get("columns")
    if columns is not None and hasattr(model, "tree_"):
        return _cases(model, columns) if len(getattr(model, "classes_", ())) <= 2 else {}  # noqa: PLR2004 - no and yes
    weights = np.atleast_2d(getattr(model, "coef_", np.empty((0, 0))))
    if columns is None or len(weights) != 1:
        return {}
    names = [name.partition("__")[2] for name in columns.get_feature_names_out()]
    ranked = sorted(zip(names, map(float, weights[0]), strict=True), key=lambda pair: -abs(pair[1]))
    return dict(ranked[:KEPT])


def _cases(model: Any, columns: Any) -> dict[str, float]:
    """Each leaf of a tree, as the conditions on the way to it, to the rate or the mean there."""
    names = [name.partition("__") for name in columns.get_feature_names_out()]
    numbers, tree, found = columns.named_transformers_.get("numbers"), model.tree_, {}

    def walk(node: int, way: tuple[str, ...]) -> None:
        if tree.children_left[node] < 0:
            found[" and ".join(way) or "always"] = float(tree.value[node][0][-1])
            return
        place = tree.feature[node]
        kind, _, name = names[place]
        no, yes = f"{name} is not so", f"{name} is so"
        if kind == "numbers":
            scaled = numbers["clip"]
            limit = tree.threshold[node] * scaled.data_range_[place] + scaled.data_min_[place]
            no, yes = f"{name} <= {limit:.4g}", f"{name} > {limit:.4g}"
        walk(tree.children_left[node], (*way, no))
        walk(tree.children_right[node], (*way, yes))

    walk(0, ())
    return found
