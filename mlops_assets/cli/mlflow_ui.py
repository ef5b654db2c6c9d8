"""MLflow's own UI over the home's experiments, on loopback, for as long as the stack runs."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from mlops_assets.cli.child import child
from mlops_assets.settings import Settings
from mlops_assets.stores.door import ENVIRONMENT

_ALONE = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
"""Without the eight processes that wait for jobs of its language-model features."""


@contextmanager
def experiments(settings: Settings) -> Iterator[None]:
    """Run MLflow's UI; it is waited for when the block is entered.

    Raises:
        MlopsError: it ended, or did not answer within three minutes.
    """
    from mlops_assets.stores.mlflow import MlflowRegistry

    MlflowRegistry(settings.mlflow_uri, settings.mlflow_artifacts).client()
    address = urlsplit(settings.mlflow_url)
    where = ["--host", address.hostname or "127.0.0.1", "--port", str(address.port or 3003)]
    kept = ["--backend-store-uri", settings.mlflow_uri, "--default-artifact-root", str(settings.mlflow_artifacts)]
    command = [sys.executable, "-m", "mlflow", "server", *kept, *where, "--workers", "1", "--no-serve-artifacts"]
    with child(
        "MLflow's UI",
        command,
        url=f"{settings.mlflow_url}/health",
        log=settings.data / "mlflow-ui.log",
        env={**ENVIRONMENT, **_ALONE},
        step="if the port is taken, set MLOPS_MLFLOW_URL",
    ):
        yield
