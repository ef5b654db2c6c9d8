"""The models that are tried, by task and name, from simple to complex: scikit-learn pipelines over raw features."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from mlops_assets.errors import TrainingError, UnknownName
from mlops_assets.rooms.train.inputs import Feature
from mlops_assets.rooms.train.target_encoding import target_encoder
from mlops_assets.rooms.train.vote import vote
from mlops_assets.spec.model import TaskName
from mlops_assets.spec.place import Place

if TYPE_CHECKING:
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline

RARE: Final = 20
UNSEEN: Final = -1
QUESTIONS: Final[Mapping[str, Any]] = {"max_depth": 2, "min_samples_leaf": RARE}

Builder = Callable[..., "Pipeline"]
"""(the features that have a value at all, seed, **parameters) to an unfitted pipeline; other columns are ignored."""


def base_rate(features: Sequence[Feature], seed: int) -> "Pipeline":  # noqa: ARG001 - every builder is given both
    """The share of each class in training, for every row."""
    from sklearn.dummy import DummyClassifier
    from sklearn.pipeline import Pipeline

    return Pipeline([("model", DummyClassifier(strategy="prior", random_state=seed))])


def mean(features: Sequence[Feature], seed: int) -> "Pipeline":  # noqa: ARG001 - every builder is given both
    """The mean of the training rows, for every row."""
    from sklearn.dummy import DummyRegressor
    from sklearn.pipeline import Pipeline

    return Pipeline([("model", DummyRegressor(strategy="mean"))])


def rule(features: Sequence[Feature], seed: int, **parameters: Any) -> "Pipeline":
    """At most two questions with yes or no, learnt from the rows, and the rate of each answer: anyone can apply it."""
    from sklearn.tree import DecisionTreeClassifier

    return _asked(features, DecisionTreeClassifier(**{**QUESTIONS, "random_state": seed, **parameters}))


def rule_of_value(features: Sequence[Feature], seed: int, **parameters: Any) -> "Pipeline":
    """The same, with the mean of each answer."""
    from sklearn.tree import DecisionTreeRegressor

    return _asked(features, DecisionTreeRegressor(**{**QUESTIONS, "random_state": seed, **parameters}))


def _asked(features: Sequence[Feature], model: object) -> "Pipeline":
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import MinMaxScaler, OneHotEncoder

    # Without a gap: of trees over gaps, an export answers otherwise.
    numbers = Pipeline([("impute", SimpleImputer(strategy="median")), ("clip", MinMaxScaler(clip=True))])
    categories = OneHotEncoder(handle_unknown="ignore", min_frequency=RARE, max_categories=RARE, sparse_output=False)
    return Pipeline([("columns", _columns(features, numbers, categories)), ("model", model)])


def logistic(features: Sequence[Feature], seed: int, **parameters: Any) -> "Pipeline":
    """Logistic regression over imputed, scaled numbers and one-hot categories: explainable."""
    from sklearn.linear_model import LogisticRegression

    return _linear(features, LogisticRegression(max_iter=1000, tol=1e-3, random_state=seed, **parameters))


def target_encoded(features: Sequence[Feature], seed: int, **parameters: Any) -> "Pipeline":
    """Logistic regression with categories as the mean outcome of each, learnt out of fold: for many categories."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(max_iter=1000, tol=1e-3, random_state=seed, **parameters)
    return _linear(features, model, target_encoder(seed))


def target_encoded_ridge(features: Sequence[Feature], seed: int, **parameters: Any) -> "Pipeline":
    """The same categories, for a value."""
    from sklearn.linear_model import Ridge

    return _linear(features, Ridge(random_state=seed, **parameters), target_encoder(seed))


def ridge(features: Sequence[Feature], seed: int, **parameters: Any) -> "Pipeline":
    """Ridge regression over imputed, scaled numbers and one-hot categories: explainable."""
    from sklearn.linear_model import Ridge

    return _linear(features, Ridge(random_state=seed, **parameters))


def hist_gradient_boosting(features: Sequence[Feature], seed: int, **parameters: Any) -> "Pipeline":
    """Gradient-boosted trees over binned numbers and ordinal categories; missing values are a branch of their own."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    return _trees(features, HistGradientBoostingClassifier(early_stopping=False, random_state=seed, **parameters))


def hist_gradient_boosting_regressor(features: Sequence[Feature], seed: int, **parameters: Any) -> "Pipeline":
    """The same trees, for a value."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    return _trees(features, HistGradientBoostingRegressor(early_stopping=False, random_state=seed, **parameters))


def lightgbm(features: Sequence[Feature], seed: int, **parameters: Any) -> "Pipeline":
    """Gradient-boosted trees by LightGBM, an extra: leaf by leaf, faster on many rows."""
    return _trees(features, _light("LGBMClassifier", seed, parameters))


def lightgbm_regressor(features: Sequence[Feature], seed: int, **parameters: Any) -> "Pipeline":
    """The same, for a value."""
    return _trees(features, _light("LGBMRegressor", seed, parameters))


def voting(features: Sequence[Feature], seed: int, members: Sequence[Mapping[str, Any]] = ()) -> "Pipeline":
    """Candidates that answer together, `{"estimator": name, "parameters": {...}}` each: the mean of what they say."""
    return vote(_members("binary", features, seed, members), classifies=True)


def voting_regressor(features: Sequence[Feature], seed: int, members: Sequence[Mapping[str, Any]] = ()) -> "Pipeline":
    """The same, for a value."""
    return vote(_members("regression", features, seed, members), classifies=False)


def _members(
    task: TaskName, features: Sequence[Feature], seed: int, given: Sequence[Mapping[str, Any]]
) -> "list[Pipeline]":
    """Of a vote, each with a seed of its own; where none is given, the learning candidates of the task."""
    wanted = given or [{"estimator": name} for name in DEFAULTS[task][1:]]
    made = [(CANDIDATES[task][each["estimator"]], each.get("parameters", {})) for each in wanted]
    return [build(features, seed + place, **parameters) for place, (build, parameters) in enumerate(made)]


def _light(kind: str, seed: int, parameters: dict[str, Any]) -> Any:
    try:
        models = import_module("lightgbm")
    except ModuleNotFoundError as missing:
        raise TrainingError.of("LightGBM is not installed", step="pip install 'mlops_assets[search]'") from missing
    fixed = {"random_state": seed, "n_jobs": 1, "deterministic": True, "force_row_wise": True, "verbosity": -1}
    return getattr(models, kind)(**{**fixed, **parameters})


def _linear(features: Sequence[Feature], model: object, encoder: object = None) -> "Pipeline":
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler

    # A number far outside of what was seen, as in another unit, counts as the largest or smallest that was.
    clipped = [("impute", SimpleImputer(strategy="median")), ("clip", MinMaxScaler(clip=True))]
    numbers = Pipeline([*clipped, ("scale", StandardScaler())])
    categories = encoder or OneHotEncoder(handle_unknown="ignore", min_frequency=RARE)
    return Pipeline([("columns", _columns(features, numbers, categories)), ("model", model)])


def _trees(features: Sequence[Feature], model: object) -> "Pipeline":
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OrdinalEncoder

    categories = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=UNSEEN, encoded_missing_value=UNSEEN, min_frequency=RARE
    )
    return Pipeline([("columns", _columns(features, "passthrough", categories)), ("model", model)])


def _columns(features: Sequence[Feature], numbers: object, categories: object) -> "ColumnTransformer":
    from sklearn.compose import ColumnTransformer

    parts = (("numbers", numbers, "number"), ("categories", categories, "category"))
    named = [(name, step, [f.name for f in features if f.kind == kind]) for name, step, kind in parts]
    return ColumnTransformer([part for part in named if part[2]])


_CLASSIFIERS: Final[dict[str, Builder]] = {
    "base_rate": base_rate,
    "rule": rule,
    "logistic": logistic,
    "target_encoded": target_encoded,
    "hist_gradient_boosting": hist_gradient_boosting,
    "lightgbm": lightgbm,
    "vote": voting,
}
CANDIDATES: Final[dict[TaskName, dict[str, Builder]]] = {
    "binary": _CLASSIFIERS,
    "multiclass": _CLASSIFIERS,
    "regression": {
        "mean": mean,
        "rule": rule_of_value,
        "ridge": ridge,
        "target_encoded": target_encoded_ridge,
        "hist_gradient_boosting": hist_gradient_boosting_regressor,
        "lightgbm": lightgbm_regressor,
        "vote": voting_regressor,
    },
}
DEFAULTS: Final[dict[TaskName, tuple[str, ...]]] = {
    "binary": ("base_rate", "logistic", "hist_gradient_boosting"),
    "multiclass": ("base_rate", "logistic", "hist_gradient_boosting"),
    "regression": ("mean", "ridge", "hist_gradient_boosting"),
}
"""Those that are tried when nothing is declared; the first says the same of every row."""


def candidate(task: TaskName, name: str, place: Place) -> Builder:
    """The builder of that name for a task; `module:function` is the user's own, beside the declaration.

    Raises:
        UnknownName: there is none.
        SpecError: no such module.
    """
    if ":" in name:
        own: Builder = place.load(name)
        return own
    if name not in CANDIDATES[task]:
        raise UnknownName.among(f"{task} candidate", name, CANDIDATES[task])
    return CANDIDATES[task][name]
