"""The registry: every trained model with its bundle; the alias `champion` says which one is released."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline

CHAMPION = "champion"


@dataclass(frozen=True)
class ModelVersion:
    """A registered model.

    Attributes:
        model: name.
        number: 1 for the first.
        run_id: of the training run.
        digest: of the bundle's bytes.
        tags: what was recorded with it.
    """

    model: str
    number: int
    run_id: str
    digest: str
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Bundle:
    """All that is needed to serve a version; its digest was checked before anything was read.

    Attributes:
        version: whose bundle it is.
        pipeline: the fitted scikit-learn pipeline.
        files: by name; `model.skops` is not among them.
        model: the bytes of `model.skops`.
    """

    version: ModelVersion
    pipeline: Any
    files: Mapping[str, bytes]
    model: bytes = field(default=b"", repr=False)


class TrainingRun(Protocol):
    """One training that is under way."""

    @property
    def run_id(self) -> str:
        """The run's id."""

    def params(self, values: Mapping[str, object]) -> None:
        """Record parameters, any number of them."""

    def metrics(self, values: Mapping[str, float]) -> None:
        """Record figures."""

    def artifact(self, name: str, content: bytes) -> None:
        """Keep a file with the run; the name may hold folders."""

    def trial(self, name: str, *, params: Mapping[str, object], metrics: Mapping[str, float]) -> None:
        """Keep something that was tried as a run of its own, nested below this one and ended."""

    def register(
        self,
        pipeline: "Pipeline",
        *,
        example: "pd.DataFrame",
        files: Mapping[str, bytes],
        tags: Mapping[str, str],
        identity: str,
    ) -> ModelVersion:
        """Make a version of the fitted pipeline; one with this identity that is there already is returned as it is."""


@dataclass(frozen=True)
class RunRecord:
    """What a training left in the registry, whether a version came out of it or not.

    Attributes:
        run_id: of the training.
        status: FINISHED, FAILED, KILLED or RUNNING.
        params: by name.
        metrics: by name.
        tags: what else was recorded.
    """

    run_id: str
    status: str
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]


class Registry(Protocol):
    """Every trained model."""

    def run(self, run_id: str) -> RunRecord:
        """What a training left, by its id or a beginning of it that is its own."""

    def training(self, model: str, *, tags: Mapping[str, str]) -> AbstractContextManager[TrainingRun]:
        """One run: always ended, FAILED on an exception."""

    def experiment(self, model: str) -> str:
        """The id of a model's experiment, made when it is missing."""

    def versions(self, model: str) -> list[ModelVersion]:
        """Every version, oldest first."""

    def get(self, model: str, number: int) -> ModelVersion:
        """A version by its number."""

    def champion(self, model: str) -> ModelVersion | None:
        """The released version, or None."""

    def by_identity(self, model: str, identity: str) -> ModelVersion | None:
        """The version that was registered under an identity, or None."""

    def promote(self, version: ModelVersion, *, evidence: str) -> None:
        """Make a version the champion; without evidence nothing is released."""

    def annotate(self, version: ModelVersion, tags: Mapping[str, str]) -> None:
        """Add tags to a version."""

    def flavour(self, version: ModelVersion) -> Path:
        """The folder with the model in the registry's own format."""

    def load(self, version: ModelVersion) -> Bundle:
        """The bundle, its digest checked before anything is deserialized."""
