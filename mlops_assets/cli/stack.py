"""The whole stack on this machine: Dagster's UI and daemon, MLflow's and Evidently's UIs, and the reports' pages."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from mlops_assets.cli.child import child
from mlops_assets.cli.evidently_ui import windows
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
    command = [sys.executable, "-m", "dagster", "dev", "-m", "mlops_assets.definitions", "-h", HOST, "-p", str(port)]
    with (
        serving(settings.reports, settings.reports_url),
        experiments(settings),
        windows(settings),
        child("Dagster", command, url=f"{url}/server_info", log=log, stop=signal.SIGINT) as dagster,
    ):
        yield Stack(url, dagster, str(log))
