"""The whole stack on this machine: Dagster's UI and daemon, MLflow's UI, and the pages of the reports."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.error import URLError
from urllib.request import urlopen

from mlops_assets.cli.mlflow_ui import experiments
from mlops_assets.cli.report_server import serving
from mlops_assets.errors import MlopsError
from mlops_assets.settings import Settings

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Stack:
    """The stack while it runs.

    Attributes:
        url: of Dagster's UI.
        process: Dagster's.
        log: the file with what it says.
    """

    url: str
    process: "subprocess.Popen[bytes]"
    log: str

    def wait(self) -> None:
        """Return when a person or a service manager ends it, by Ctrl-C or SIGTERM.

        Raises:
            MlopsError: Dagster ended by itself.
        """
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            code = self.process.wait()
        except KeyboardInterrupt:
            return
        raise MlopsError.of("Dagster ended by itself", got=f"exit {code}", step=f"read {self.log}")


@contextmanager
def stack(settings: Settings, port: int) -> Iterator[Stack]:
    """Run the stack for as long as the block runs; it is given once its UIs answer.

    Raises:
        MlopsError: a UI ended or did not answer within three minutes.
    """
    url = f"http://{HOST}:{port}"
    log = settings.data / "dagster-dev.log"
    os.environ["MLOPS_DAGSTER_URL"] = url
    with serving(settings.reports, settings.reports_url), experiments(settings), log.open("ab") as output:
        dagster = [sys.executable, "-m", "dagster", "dev", "-m", "mlops_assets.definitions"]
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and fixed arguments
            [*dagster, "-h", HOST, "-p", str(port)], stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            _await(process, url, str(log))
            yield Stack(url, process, str(log))
        finally:
            _end(process)


def _await(process: "subprocess.Popen[bytes]", url: str, log: str) -> None:
    for _ in range(360):
        if process.poll() is not None:
            code = process.returncode
            raise MlopsError.of("Dagster ended before its UI answered", got=f"exit {code}", step=f"read {log}")
        try:
            with urlopen(f"{url}/server_info", timeout=2):  # noqa: S310 - loopback
                return
        except (URLError, TimeoutError, ConnectionError):
            time.sleep(0.5)
    raise MlopsError.of(f"Dagster's UI did not answer at {url} in three minutes", step=f"read {log}")


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
