"""The door to MLflow: opened without telemetry, and without the warnings that its own imports are known to give."""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    from mlflow import MlflowClient

ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_SKIP_PIP_REQUIREMENTS_CHECK": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
_KNOWN = (
    "The ``noload`` loader strategy is deprecated",  # MLflow 3.17's tables under SQLAlchemy 2.1
    ".*Any type hint is inferred as AnyType",  # MLflow's classes for agents
)


def client(uri: str) -> "MlflowClient":
    """A client of one tracking and registry store; MLflow's global settings are neither read nor written."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    with _quiet():
        from mlflow import MlflowClient

        for name in ("mlflow.store.db.utils", "alembic"):
            logging.getLogger(name).setLevel(logging.WARNING)
        return MlflowClient(uri, uri)


def pyfunc() -> "ModuleType":
    """MLflow's pyfunc, which is slow to import."""
    with _quiet():
        import mlflow.pyfunc

        return mlflow.pyfunc


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        for message in _KNOWN:
            warnings.filterwarnings("ignore", message)
        yield
