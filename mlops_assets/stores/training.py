"""A training as one MLflow run: what it records, and how the model that comes out of it is registered."""

import tempfile
import time
from collections.abc import Mapping
from importlib.metadata import version as installed
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Protocol

from mlops_assets.errors import StoreError
from mlops_assets.stores import bundle, door
from mlops_assets.stores.registry import ModelVersion

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import pandas as pd
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel, Metric
    from mlflow.models import Model, ModelSignature
    from sklearn.pipeline import Pipeline

BUNDLE = "bundle"
REQUIREMENTS = ("mlflow", "scikit-learn", "skops", "numpy", "pandas")
CHUNK = 100


class Home(Protocol):
    """What a training needs of its registry."""

    def client(self) -> "MlflowClient":
        """A client of the store."""

    def lock(self) -> "AbstractContextManager[None]":
        """One writer at a time."""

    def by_identity(self, model: str, identity: str) -> ModelVersion | None:
        """The version that was registered under an identity, or None."""

    def get(self, model: str, number: int) -> ModelVersion:
        """A version by its number."""


class MlflowTrainingRun:
    """One training that is under way; it writes to its own run and to no other."""

    def __init__(self, home: Home, model: str, run_id: str, experiment_id: str) -> None:
        """Stand for a run that was started."""
        self.home = home
        self.model = model
        self.run_id = run_id
        self.experiment_id = experiment_id
        self._client = home.client()
        self._params: dict[str, str] = {}
        self._metrics: dict[str, float] = {}

    def params(self, values: Mapping[str, object]) -> None:
        """Record parameters, any number of them."""
        from mlflow.entities import Param

        texts = {name: str(value) for name, value in values.items()}
        self._params |= texts
        entries = [Param(name, text) for name, text in texts.items()]
        for start in range(0, len(entries), CHUNK):
            self._client.log_batch(self.run_id, params=entries[start : start + CHUNK])

    def metrics(self, values: Mapping[str, float]) -> None:
        """Record figures."""
        self._metrics |= {name: float(value) for name, value in values.items()}
        self._client.log_batch(self.run_id, metrics=_metrics({name: self._metrics[name] for name in values}))

    def artifact(self, name: str, content: bytes) -> None:
        """Keep a file with the run; the name may hold folders."""
        self._keep({name: content}, folder="")

    def trial(self, name: str, *, params: Mapping[str, object], metrics: Mapping[str, float]) -> None:
        """Keep something that was tried as a run of its own, nested below this one and ended."""
        from mlflow.entities import Param

        made = self._client.create_run(self.experiment_id, run_name=name, tags={"mlflow.parentRunId": self.run_id})
        entries = [Param(key, str(value)) for key, value in params.items()]
        self._client.log_batch(made.info.run_id, params=entries, metrics=_metrics(metrics))
        self._client.set_terminated(made.info.run_id, "FINISHED")

    def register(
        self,
        pipeline: "Pipeline",
        *,
        example: "pd.DataFrame",
        files: Mapping[str, bytes],
        tags: Mapping[str, str],
        identity: str,
    ) -> ModelVersion:
        """Make a version of the fitted pipeline; one with this identity that is there already is returned as it is.

        The bundle (`files` and `model.skops`) is kept with the run, under `bundle/`; a copy of the
        model in MLflow's own format serves those who use MLflow's tools.

        Raises:
            StoreError: the pipeline holds types that are not trusted, or a file or tag has a name of ours.
        """
        _check(files, tags, identity)
        known = self.home.by_identity(self.model, identity)
        if known is not None:
            return known
        content = dict(files) | {bundle.MODEL_FILE: bundle.dumps(pipeline)}
        self._keep(content, folder=BUNDLE)
        logged = self._log_model(pipeline, content[bundle.MODEL_FILE], example)
        marks = dict(tags) | {"digest": bundle.digest(content), "identity": identity}
        return self._version(str(logged.artifact_location), marks, identity)

    def _keep(self, files: Mapping[str, bytes], folder: str) -> None:
        with tempfile.TemporaryDirectory() as name:
            root = Path(name)
            for path, content in files.items():
                target = root / _inside(path)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            self._client.log_artifacts(self.run_id, str(root), folder or None)

    def _log_model(self, pipeline: "Pipeline", content: bytes, example: "pd.DataFrame") -> "LoggedModel":
        """The model in MLflow's format, through the client, as `log_model` writes to the global active run."""
        from mlflow.models import Model

        made = self._client.create_logged_model(
            self.experiment_id, self.model, source_run_id=self.run_id, params=self._params
        )
        with tempfile.TemporaryDirectory() as name:
            described = Model(run_id=self.run_id, model_id=made.model_id, signature=_signature(pipeline, example))
            _write_flavour(Path(name), content, described, _answers_by(pipeline))
            self._client.log_model_artifacts(made.model_id, name)
        if self._metrics:
            self._client.log_batch(self.run_id, metrics=_metrics(self._metrics, made.model_id))
        return self._client.finalize_logged_model(made.model_id, "READY")

    def _version(self, source: str, tags: dict[str, str], identity: str) -> ModelVersion:
        """The registry's row, written last and in one transaction: what was cut off before it is no version."""
        with self.home.lock():
            known = self.home.by_identity(self.model, identity)
            if known is not None:
                return known
            if not self._client.search_registered_models(f"name = '{self.model}'"):
                self._client.create_registered_model(self.model)
            # the source is a path, since MLflow resolves models:/ through its global client
            made = self._client.create_model_version(self.model, source, self.run_id, tags=tags)
        return self.home.get(self.model, int(made.version))


def _write_flavour(folder: Path, content: bytes, model: "Model", method: str) -> None:
    """What `mlflow.sklearn.save_model` writes, without its seconds of comparing requirements with the environment."""
    model.add_flavor(
        "sklearn",
        pickled_model=bundle.MODEL_FILE,
        sklearn_version=installed("scikit-learn"),
        serialization_format="skops",
        skops_trusted_types=bundle.named_types(content),
        code=None,
    )
    door.pyfunc().add_to_model(model, "mlflow.sklearn", model_path=bundle.MODEL_FILE, predict_fn=method)
    (folder / bundle.MODEL_FILE).write_bytes(content)
    pins = "".join(f"{package}=={installed(package)}\n" for package in REQUIREMENTS)
    (folder / "requirements.txt").write_text(pins)
    model.save(str(folder / "MLmodel"))


def _answers_by(pipeline: "Pipeline") -> str:
    return "predict_proba" if hasattr(pipeline, "predict_proba") else "predict"


def _signature(pipeline: "Pipeline", example: "pd.DataFrame") -> "ModelSignature":
    """Integers are given as float64, since an integer column cannot tell of a missing value."""
    from mlflow.models import infer_signature

    rows = example.head(20)
    integers = rows.select_dtypes("integer").columns
    texts = rows.select_dtypes("category").columns
    answer = getattr(pipeline, _answers_by(pipeline))(rows)
    return infer_signature(rows.astype(dict.fromkeys(integers, "float64") | dict.fromkeys(texts, "object")), answer)


def _metrics(values: Mapping[str, float], model_id: str | None = None) -> "list[Metric]":
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    return [Metric(name, value, now, 0, model_id=model_id) for name, value in values.items()]


def _check(files: Mapping[str, bytes], tags: Mapping[str, str], identity: str) -> None:
    if not identity:
        raise StoreError.of("a version needs an identity", allowed="a text that is the same for the same training")
    taken = sorted({bundle.MODEL_FILE} & files.keys() | {"digest", "identity"} & tags.keys())
    if taken:
        raise StoreError.of("names that the registry keeps for itself", got=taken)


def _inside(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise StoreError.of("not a name for a file", got=repr(name), allowed="a path below the run's folder")
    return path
