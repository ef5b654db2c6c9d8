"""The registry's embedded default: MLflow on SQLite, through clients of its own, never the global state."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlparse

from mlops_assets.errors import Damaged, NotFound, NoVerdict, StoreError
from mlops_assets.stores import bundle, door
from mlops_assets.stores.locking import locked
from mlops_assets.stores.registry import CHAMPION, Bundle, ModelVersion, RunRecord
from mlops_assets.stores.training import BUNDLE, MlflowTrainingRun

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion as Found
    from sklearn.pipeline import Pipeline


class MlflowRegistry:
    """Runs and models in MLflow, one experiment and one registered model a name."""

    def __init__(self, uri: str, artifacts: Path) -> None:
        """Remember where; the database and its schema are made when first used.

        Args:
            uri: of the tracking and registry store, such as `sqlite:////home/me/data/mlflow/mlflow.db`.
            artifacts: the folder of files; each experiment has its own below it.
        """
        self.uri = uri
        self.artifacts = artifacts

    @contextmanager
    def training(self, model: str, *, tags: Mapping[str, str]) -> Iterator[MlflowTrainingRun]:
        """One MLflow run: always ended, FAILED on an exception, KILLED on an interrupt."""
        client = self.client()
        started = client.create_run(self.experiment(model), run_name=model, tags=dict(tags))
        run = MlflowTrainingRun(self, model, started.info.run_id, started.info.experiment_id)
        status = "KILLED"
        try:
            yield run
            status = "FINISHED"
        except Exception:
            status = "FAILED"
            raise
        finally:
            client.set_terminated(run.run_id, status)

    def abandon(self, model: str, *, lives: Callable[[Mapping[str, str]], bool]) -> list[str]:
        """End the runs that dead processes left RUNNING as KILLED.

        Args:
            model: whose runs.
            lives: whether a run with these tags still goes on.

        Returns:
            The ids of the runs that were ended.
        """
        client = self.client()
        running = client.search_runs([self.experiment(model)], "attributes.status = 'RUNNING'")
        dead = [run.info.run_id for run in running if not lives(run.data.tags)]
        for run_id in dead:
            client.set_terminated(run_id, "KILLED")
        return dead

    def run(self, run_id: str) -> RunRecord:
        """What a training left, by its id or a beginning of it that is its own.

        Raises:
            NotFound: no run, or more than one, goes by that.
        """
        client = self.client()
        experiments = [found.experiment_id for found in client.search_experiments()]
        known = client.search_runs(experiments, order_by=["attributes.start_time DESC"], max_results=1_000)
        found = [run for run in known if run.info.run_id.startswith(run_id)]
        if len(found) != 1 or not run_id:
            allowed = ", ".join(run.info.run_id[:8] for run in known[:10]) or "(none yet)"
            raise NotFound.of(f"{len(found)} runs go by '{run_id}'", allowed=f"one of {allowed}, ...")
        info, data = found[0].info, found[0].data
        return RunRecord(info.run_id, info.status, dict(data.params), dict(data.metrics), dict(data.tags))

    def versions(self, model: str) -> list[ModelVersion]:
        """Every version, oldest first."""
        client = self.client()
        found: list[Found] = []
        token: str | None = None
        while token != "":
            page = client.search_model_versions(f"name = '{_checked(model)}'", max_results=1000, page_token=token)
            found.extend(page)
            token = page.token or ""
        return sorted((_version(each) for each in found), key=lambda version: version.number)

    def get(self, model: str, number: int) -> ModelVersion:
        """A version by its number.

        Raises:
            NotFound: there is none.
        """
        from mlflow.exceptions import MlflowException

        try:
            return _version(self.client().get_model_version(_checked(model), str(number)))
        except MlflowException as problem:
            allowed = ", ".join(str(version.number) for version in self.versions(model)) or "(none yet)"
            raise NotFound.of(f"model '{model}' has no such version", got=number, allowed=allowed) from problem

    def champion(self, model: str) -> ModelVersion | None:
        """The released version, or None."""
        client = self.client()
        held = client.search_registered_models(f"name = '{_checked(model)}'")
        number = held[0].aliases.get(CHAMPION) if held else None
        return None if number is None else _version(client.get_model_version(model, str(number)))

    def by_identity(self, model: str, identity: str) -> ModelVersion | None:
        """The version that was registered under an identity, or None."""
        return next((version for version in self.versions(model) if version.tags.get("identity") == identity), None)

    def promote(self, version: ModelVersion, *, evidence: str) -> None:
        """Make a version the champion; without evidence nothing is released.

        Raises:
            NoVerdict: no evidence was given.
            NotFound: no such version.
        """
        if not evidence.strip():
            raise NoVerdict.of(f"model '{version.model}' version {version.number} has no evidence", step="evaluate it")
        known = self.get(version.model, version.number)
        with self.lock():
            self.annotate(known, {"evidence": evidence})
            self.client().set_registered_model_alias(known.model, CHAMPION, str(known.number))

    def annotate(self, version: ModelVersion, tags: Mapping[str, str]) -> None:
        """Add tags to a version; its digest and identity stay.

        Raises:
            StoreError: a tag would replace the digest or the identity.
        """
        fixed = sorted({"digest", "identity"} & tags.keys())
        if fixed:
            raise StoreError.of("tags that never change once a version is registered", got=fixed)
        client = self.client()
        for key, value in tags.items():
            client.set_model_version_tag(version.model, str(version.number), key, value)

    def flavour(self, version: ModelVersion) -> Path:
        """The folder with the model in MLflow's own format."""
        source = self.client().get_model_version(version.model, str(version.number)).source or ""
        return Path(unquote(urlparse(source).path))

    def load(self, version: ModelVersion) -> Bundle:
        """The bundle, its digest checked before anything is deserialized.

        Raises:
            Damaged: the bytes are not those that were registered.
        """
        recorded = self.get(version.model, version.number)
        files = self._files(recorded)
        found = bundle.digest(files)
        if found != recorded.digest or bundle.MODEL_FILE not in files:
            what = f"the bundle of model '{version.model}' version {version.number} was changed"
            raise Damaged.of(what, got=found, allowed=recorded.digest, step="retrain, or restore the files")
        model = files.pop(bundle.MODEL_FILE)
        return Bundle(recorded, _pipeline(model), files, model)

    def client(self) -> "MlflowClient":
        """A client of this store alone; the schema is made by one process while the others wait."""
        _prepare(self.uri, self.artifacts)
        return door.client(self.uri)

    def experiment(self, model: str) -> str:
        """The id of a model's experiment, made when it is missing."""
        client = self.client()
        with self.lock():
            known = client.get_experiment_by_name(_checked(model))
            if known is not None:
                return str(known.experiment_id)
            return str(client.create_experiment(model, artifact_location=(self.artifacts.resolve() / model).as_uri()))

    @contextmanager
    def lock(self) -> Iterator[None]:
        """One writer of the registry at a time."""
        with locked(self.artifacts / ".lock"):
            yield

    def _files(self, version: ModelVersion) -> dict[str, bytes]:
        here = self.artifacts / version.model / version.run_id / "artifacts" / BUNDLE
        root = here if here.is_dir() else Path(self.client().download_artifacts(version.run_id, BUNDLE))
        return {file.relative_to(root).as_posix(): file.read_bytes() for file in root.rglob("*") if file.is_file()}


@cache
def _prepare(uri: str, artifacts: Path) -> None:
    """Make the database's folder and schema; MLflow's own creation races between first users."""
    if uri.startswith("sqlite:///"):
        Path(uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    with locked(artifacts / ".schema.lock"):
        client = door.client(uri)
        client.search_experiments(max_results=1)
        client.search_registered_models(max_results=1)


@lru_cache(maxsize=4)
def _pipeline(content: bytes) -> "Pipeline":
    """Of bytes whose digest is right; the steps of a run ask the same model again and again, and never change it."""
    pipeline: Pipeline = bundle.loads(content)
    return pipeline


def _checked(model: str) -> str:
    if not model or set(model) & set("'\"/:%\\"):
        raise StoreError.of("not a name for a model", got=repr(model), allowed="letters, digits, _ and -")
    return model


def _version(found: "Found") -> ModelVersion:
    tags = dict(found.tags)
    return ModelVersion(found.name, int(found.version), found.run_id or "", tags.get("digest", ""), tags)
