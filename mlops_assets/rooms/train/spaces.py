"""Where a search looks: the usual range of each parameter of an estimator, and where it starts."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from mlops_assets.errors import UnknownName
from mlops_assets.spec.search import Range, Search

if TYPE_CHECKING:
    from optuna import Trial

Parameters = Mapping[str, float | int | str | bool]

SPACES: Final[Mapping[str, Mapping[str, Range]]] = {
    "logistic": {"C": Range(low=1e-3, high=100, log=True)},
    "ridge": {"alpha": Range(low=1e-2, high=1e4, log=True)},
    "hist_gradient_boosting": {
        "learning_rate": Range(low=0.03, high=0.15, log=True),
        "max_iter": Range(low=80, high=400, log=True, whole=True),
        "max_leaf_nodes": Range(low=12, high=96, log=True, whole=True),
        "min_samples_leaf": Range(low=20, high=300, log=True, whole=True),
        "l2_regularization": Range(low=1e-2, high=30, log=True),
        "max_features": Range(low=0.2, high=1.0),
    },
    "lightgbm": {
        "learning_rate": Range(low=0.03, high=0.15, log=True),
        "n_estimators": Range(low=80, high=400, log=True, whole=True),
        "num_leaves": Range(low=12, high=96, log=True, whole=True),
        "min_child_samples": Range(low=20, high=300, log=True, whole=True),
        "reg_lambda": Range(low=1e-2, high=30, log=True),
        "colsample_bytree": Range(low=0.2, high=1.0),
    },
}
STARTS: Final[Mapping[str, tuple[Parameters, ...]]] = {
    "hist_gradient_boosting": (
        {"learning_rate": 0.1, "max_iter": 100, "max_leaf_nodes": 31, "min_samples_leaf": 20, "max_features": 1.0},
        {"learning_rate": 0.06, "max_iter": 250, "max_leaf_nodes": 31, "min_samples_leaf": 100, "max_features": 0.4},
    ),
    "lightgbm": (
        {"learning_rate": 0.1, "n_estimators": 100, "num_leaves": 31, "min_child_samples": 20, "colsample_bytree": 1.0},
        {
            "learning_rate": 0.06,
            "n_estimators": 250,
            "num_leaves": 31,
            "min_child_samples": 100,
            "colsample_bytree": 0.4,
        },
    ),
}
"""What is tried first, a good guess from experience; the default among them, so that no search ends below it."""


def space(search: Search, estimator: str) -> dict[str, Range]:
    """The ranges of an estimator's parameters, the declared before the usual.

    Raises:
        UnknownName: nothing is known of it, and nothing declared.
    """
    declared = search.space.get(estimator, {})
    if estimator not in SPACES and not declared:
        raise UnknownName.among("estimator to search", estimator, {*SPACES, *search.space})
    return {**SPACES.get(estimator, {}), **declared}


def suggested(trial: "Trial", ranges: Mapping[str, Range], prefix: str) -> dict[str, Any]:
    """The parameters of a trial."""
    return {name: _value(trial, f"{prefix}.{name}", within) for name, within in ranges.items()}


def _value(trial: "Trial", name: str, within: Range) -> Any:
    if within.low is None or within.high is None:
        return trial.suggest_categorical(name, list(within.choices))
    if within.whole:
        return trial.suggest_int(name, int(within.low), int(within.high), log=within.log)
    return trial.suggest_float(name, within.low, within.high, log=within.log)
