"""Evidently's own UI over the windows of every model, on loopback, for as long as the stack runs."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

from mlops_assets.cli.child import child
from mlops_assets.settings import Settings

_QUIET: Final = {"DO_NOT_TRACK": "1", "PYTHONWARNINGS": "ignore"}


@contextmanager
def windows(settings: Settings) -> Iterator[None]:
    """Run Evidently's UI over the home's workspace; it is waited for when the block is entered.

    Raises:
        MlopsError: it ended, or did not answer within three minutes.
    """
    settings.evidently.mkdir(parents=True, exist_ok=True)
    address = urlsplit(settings.evidently_url)
    where = ["--host", address.hostname or "127.0.0.1", "--port", str(address.port or 3004)]
    with child(
        "Evidently's UI",
        [sys.executable, "-m", "evidently.cli", "ui", "--workspace", str(settings.evidently), *where],
        url=f"{settings.evidently_url}/api/version",
        log=settings.data / "evidently-ui.log",
        env=_QUIET,
        step="if the port is taken, set MLOPS_EVIDENTLY_URL",
    ):
        yield
