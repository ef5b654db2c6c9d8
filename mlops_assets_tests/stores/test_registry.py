"""The registry on MLflow: whole bundles or none, one champion with evidence, runs that always end."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlops_assets.errors import Damaged, NotFound, NoVerdict, StoreError
from mlops_assets.stores import bundle
from mlops_assets.stores.mlflow import MlflowRegistry
from mlops_assets.stores.registry import ModelVersion

FILES = {"manifest.json": b"{}", "reference.parquet": b"PAR1"}


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> MlflowRegistry:
    folder = tmp_path_factory.mktemp("mlflow")
    return MlflowRegistry(f"sqlite:///{folder / 'made' / 'm.db'}", folder / "artifacts")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """MLflow falls back to a database in the working folder: none may appear there."""
    monkeypatch.chdir(tmp_path)
    yield
    assert not list(tmp_path.glob("ml*"))


@pytest.fixture(scope="module")
def fitted() -> tuple[Any, Any]:
    import pandas as pd
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder

    rows = pd.DataFrame({"carrier": ["AA", "UA"] * 30, "seats": range(60), "rate": [0.1, 0.9] * 30})
    coded = make_column_transformer((OrdinalEncoder(), ["carrier"]), remainder="passthrough")
    return make_pipeline(coded, HistGradientBoostingClassifier(max_iter=3)).fit(rows, rows["seats"] > 30), rows


def register(registry: MlflowRegistry, fitted: tuple[Any, Any], model: str, identity: str = "i") -> ModelVersion:
    with registry.training(model, tags={}) as run:
        run.params({"seed": 1})
        run.metrics({"auc": 0.7})
        return run.register(fitted[0], example=fitted[1], files=FILES, tags={"candidate": "boosted"}, identity=identity)


@pytest.mark.slow
def test_what_was_registered_is_loaded_whole(registry: MlflowRegistry, fitted: tuple[Any, Any]) -> None:
    made = register(registry, fitted, "whole")
    loaded = registry.load(made)
    assert (made.number, made.tags["candidate"]) == (1, "boosted")
    assert loaded.files == FILES
    assert (loaded.pipeline.predict_proba(fitted[1]) == fitted[0].predict_proba(fitted[1])).all()


def test_the_same_identity_is_never_registered_twice(registry: MlflowRegistry, fitted: tuple[Any, Any]) -> None:
    first = register(registry, fitted, "once")
    assert register(registry, fitted, "once") == first
    assert register(registry, fitted, "once", identity="other").number == 2
    assert [version.number for version in registry.versions("once")] == [1, 2]
    assert registry.by_identity("once", "i") == first


def test_a_changed_byte_is_found_before_anything_is_read(
    registry: MlflowRegistry, fitted: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = register(registry, fitted, "changed")
    (model,) = registry.artifacts.glob(f"changed/{made.run_id}/artifacts/bundle/{bundle.MODEL_FILE}")
    content = bytearray(model.read_bytes())
    content[100] ^= 1
    model.write_bytes(content)
    monkeypatch.setattr(bundle, "loads", lambda _: pytest.fail("read before it was checked"))
    with pytest.raises(Damaged, match="was changed"):
        registry.load(made)
    model.unlink()
    with pytest.raises(Damaged):
        registry.load(made)


def test_only_evidence_makes_a_champion(registry: MlflowRegistry, fitted: tuple[Any, Any]) -> None:
    made = register(registry, fitted, "champion")
    assert registry.champion("champion") is None
    with pytest.raises(NoVerdict):
        registry.promote(made, evidence=" ")
    registry.promote(made, evidence="verdict 7")
    crowned = registry.champion("champion")
    assert crowned is not None
    assert (crowned.number, crowned.tags["evidence"]) == (1, "verdict 7")
    with pytest.raises(NotFound):
        registry.promote(ModelVersion("champion", 9, "", ""), evidence="verdict 8")


def test_digest_and_identity_are_not_tags_to_change(registry: MlflowRegistry, fitted: tuple[Any, Any]) -> None:
    made = register(registry, fitted, "annotated")
    registry.annotate(made, {"card": "yes"})
    assert registry.get("annotated", 1).tags["card"] == "yes"
    with pytest.raises(StoreError, match="never change"):
        registry.annotate(made, {"digest": "0"})


def test_a_run_ends_as_the_training_did(registry: MlflowRegistry) -> None:
    ids = []

    def train(problem: BaseException | None) -> None:
        with registry.training("ends", tags={"n": "1"}) as run:
            ids.append(run.run_id)
            if problem is not None:
                raise problem

    train(None)
    with pytest.raises(ZeroDivisionError):
        train(ZeroDivisionError())
    with pytest.raises(KeyboardInterrupt):
        train(KeyboardInterrupt())
    assert [registry.client().get_run(each).info.status for each in ids] == ["FINISHED", "FAILED", "KILLED"]
    assert registry.client().get_run(ids[0]).data.tags["n"] == "1"


def test_trainings_side_by_side_never_mix(registry: MlflowRegistry) -> None:
    with registry.training("left", tags={}) as left, registry.training("right", tags={}) as right:
        left.metrics({"auc": 0.1})
        right.metrics({"auc": 0.2})
        left.params({f"p{n}": n for n in range(150)})
        right.artifact("plots/roc.txt", b"x")
    found = [registry.client().get_run(run.run_id).data for run in (left, right)]
    assert [data.metrics["auc"] for data in found] == [0.1, 0.2]
    assert [len(data.params) for data in found] == [150, 0]
    with pytest.raises(StoreError, match="not a name for a file"):
        right.artifact("../x", b"")


def test_mlflows_own_tools_are_served(registry: MlflowRegistry, fitted: tuple[Any, Any]) -> None:
    import mlflow

    registry.promote(register(registry, fitted, "tools"), evidence="verdict")
    rows = fitted[1].astype({"seats": "float64"})
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(registry.uri)
    try:
        direct = mlflow.sklearn.load_model("models:/tools@champion").predict_proba(rows)
        served = mlflow.pyfunc.load_model("models:/tools@champion").predict(rows)
    finally:
        mlflow.set_tracking_uri(before)
    assert (direct == fitted[0].predict_proba(rows)).all()
    assert (served == direct).all()


def test_types_that_are_not_ours_are_refused_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    from fractions import Fraction

    import skops.io
    from sklearn.preprocessing import FunctionTransformer

    foreign = FunctionTransformer(Fraction)
    with pytest.raises(StoreError, match=r"fractions\.Fraction"):
        bundle.dumps(foreign)
    with pytest.raises(Damaged, match=r"fractions\.Fraction"):
        bundle.loads(skops.io.dumps(foreign))


@pytest.mark.slow
def test_processes_that_come_first_together_make_one_schema(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    code = (
        "import sys; from pathlib import Path; from mlops_assets.stores.mlflow import MlflowRegistry as R;"
        "r = R('sqlite:///' + sys.argv[1] + '/m.db', Path(sys.argv[1])); print(r.experiment('m'))"
    )
    command = [sys.executable, "-c", code, str(folder)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    told = [process.communicate() for process in started]
    assert [process.returncode for process in started] == [0, 0], told
    assert len({out for out, _ in told}) == 1


def test_importing_the_registry_imports_no_mlflow() -> None:
    code = "import sys, mlops_assets.stores.mlflow; print(sorted({'mlflow', 'sklearn', 'pandas'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
