"""A minute of search on the real flights: trained on January to September, tested on October to December.

Prints `auc`, `auc_default`, `auc_simple`, `seconds`, `trials` as its last line: of the variant that the search found,
of default HistGradientBoosting, and of the explainable logistic regression, each trained on the same rows; the seconds
hold the search and the training of its best.
"""

import json
import sys
import tempfile
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

SECONDS = 60.0
RESERVED = 26.0
"""For the last variant that is begun, and for the training of the best on all rows."""
TEST = "92d"
ESTIMATORS = ("lightgbm", "hist_gradient_boosting")
MONTHS = [f"2013-{month:02d}" for month in range(1, 13)]


def main() -> None:
    """Measure, and print the figures."""
    from mlops_assets.rooms.train.training_set import assemble, examples, inputs
    from mlops_assets.rooms.train.tuning import tune
    from mlops_assets.stores.delta import DeltaLake

    with tempfile.TemporaryDirectory(prefix="mlops-search-") as folder:
        home, plan = Path(folder), _plan()
        lake = DeltaLake(home / "lake")
        _fill(lake, plan, home)
        rows = assemble(lake, plan, inputs(lake, plan))
        train, test = examples(rows, plan, "train"), examples(rows, plan, "holdout")
        sys.stderr.write(f"{len(train.labels):,} flights to train on, {len(test.labels):,} to test on\n")
        simple, default = (_auc(train, test, name, {}) for name in ("logistic", "hist_gradient_boosting"))
        begun = time.perf_counter()
        tuned = tune(train, plan, name="bench", folder=home, told=_say)
        auc = _auc(train, test, tuned.estimator, tuned.parameters)
        seconds = time.perf_counter() - begun
    figures = {
        "auc": round(auc, 4),
        "auc_default": round(default, 4),
        "auc_simple": round(simple, 4),
        "seconds": round(seconds, 1),
        "trials": len(tuned.found.tried),
    }
    sys.stdout.write(f"{json.dumps(figures)}\n")


def _plan() -> Any:
    """The flights' own declaration, with the last quarter held out and a minute for the search."""
    import yaml

    from mlops_assets.defs.flight_delays import source
    from mlops_assets.spec.dataset import Dataset
    from mlops_assets.spec.feature_table import FeatureTable
    from mlops_assets.spec.model import Model
    from mlops_assets.spec.place import Place
    from mlops_assets.spec.plan import FeaturePlan, ModelPlan

    folder = Path(source.__file__).parent
    place = Place(folder, source.__package__ or "")
    documents = list(yaml.safe_load_all((folder / "defs.yaml").read_text()))
    given = [(document["type"].rpartition(".")[2], document["attributes"]) for document in documents]
    datasets = {each["name"]: Dataset(**each) for kind, each in given if kind == "Dataset"}
    tables = {
        each["name"]: FeaturePlan.of(FeatureTable(**each), datasets, place=place)
        for kind, each in given
        if kind == "FeatureTable"
    }
    declared = next(each for kind, each in given if kind == "Model" and each["name"] == "flight_delays")
    search = {"trials": 10_000, "seconds": SECONDS - RESERVED, "estimators": ESTIMATORS}
    train = {**declared["train"], "holdout": TEST, "search": search}
    return ModelPlan.of(Model(**{**declared, "train": train}), tables)


def _fill(lake: Any, plan: Any, home: Path) -> None:
    """What ingest, validate, label and features make of the year, without the assets around it."""
    import pyarrow.parquet as pq

    from mlops_assets.defs.flight_delays import source
    from mlops_assets.rooms.features.table import materialize
    from mlops_assets.rooms.label.truth import labels
    from mlops_assets.stores.labels import LakeLabels

    for month in MONTHS:
        for file in source.extract(month, home / "landing"):
            lake.write(f"{file.parent.name}/clean", pq.read_table(file), batch=file.stem)
    for month in MONTHS:
        materialize(lake, plan.tables[0], month)
        LakeLabels(lake).record(plan.name, labels(lake, plan, month), batch=month)


def _auc(train: Any, test: Any, estimator: str, parameters: Mapping[str, Any]) -> float:
    from mlops_assets.rooms.train.candidates import CANDIDATES
    from mlops_assets.rooms.train.inputs import present
    from mlops_assets.rooms.train.metrics import METRICS
    from mlops_assets.rooms.train.threads import one_thread

    build = partial(CANDIDATES["binary"][estimator], **parameters)
    with one_thread():
        fitted = build(present(train.features, train.frame), 0).fit(train.frame, train.task.targets(train.labels))
        return METRICS["roc_auc"](test.labels, test.task.scores(fitted, test.frame))


def _say(tried: Any, done: int) -> None:
    figure = "given up" if tried.figure is None else f"{tried.figure:.4f}"
    sys.stderr.write(f"{done}: {tried.estimator} {figure} in {tried.seconds:.1f} s\n")


if __name__ == "__main__":
    main()
