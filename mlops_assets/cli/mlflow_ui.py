"""MLflow's own UI over the home's experiments, on loopback, for as long as the stack runs."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

from mlops_assets.errors import MlopsError
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
    address, log = urlsplit(settings.mlflow_url), settings.data / "mlflow-ui.log"
    where = ["--host", address.hostname or "127.0.0.1", "--port", str(address.port or 3003)]
    kept = ["--backend-store-uri", settings.mlflow_uri, "--default-artifact-root", str(settings.mlflow_artifacts)]
    command = [sys.executable, "-m", "mlflow", "server", *kept, *where, "--workers", "1", "--no-serve-artifacts"]
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and settings
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, **ENVIRONMENT, **_ALONE},
        )
    try:
        _await(process, settings.mlflow_url, log)
        yield
    finally:
        _end(process)


def _await(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    for _ in range(360):
        if process.poll() is not None:
            step = f"read {log}; if the port is taken, set MLOPS_MLFLOW_URL"
            raise MlopsError.of("MLflow's UI ended before it answered", got=f"exit {process.returncode}", step=step)
        try:
            with urlopen(f"{url}/health", timeout=2):  # noqa: S310 - loopback
                return
        except (URLError, TimeoutError, ConnectionError):
            time.sleep(0.5)
    raise MlopsError.of(f"MLflow's UI did not answer at {url} in three minutes", step=f"read {log}")


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
