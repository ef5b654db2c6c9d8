"""A UI that runs as a process beside ours: waited for until it answers, and ended with the block, whatever happens."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.error import URLError
from urllib.request import urlopen

from mlops_assets.errors import MlopsError

POLL_SECONDS: Final = 0.5
PATIENCE_SECONDS: Final = 180
GRACE_SECONDS: Final = 20

Process = subprocess.Popen[bytes]


@contextmanager
def child(
    name: str,
    command: Sequence[str],
    *,
    url: str,
    log: Path,
    env: Mapping[str, str] | None = None,
    stop: signal.Signals = signal.SIGTERM,
    step: str = "",
) -> Iterator[Process]:
    """Run a command for as long as the block runs; it is given once the URL answers.

    The child leads a process group of its own, so that what it starts ends with it, and Ctrl-C reaches it through us.

    Args:
        name: of what is run, as errors call it.
        command: its arguments, the interpreter's first.
        url: that answers once it is ready, on loopback.
        log: the file to which it speaks.
        env: what it is told beside our own environment.
        stop: the signal that it ends by in good order; after 20 seconds it is killed.
        step: what else may help when it ends early.

    Raises:
        MlopsError: it ended, or did not answer within three minutes.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and settings
            list(command),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, **(env or {})},
        )
    try:
        _await(process, name, url, "; ".join(filter(None, (f"read {log}", step))))
        yield process
    finally:
        _end(process, stop)


def _await(process: Process, name: str, url: str, step: str) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise MlopsError.of(f"{name} ended before it answered", got=f"exit {process.returncode}", step=step)
        try:
            with urlopen(url, timeout=2):  # noqa: S310 - loopback
                return
        except (URLError, TimeoutError, ConnectionError):
            time.sleep(POLL_SECONDS)
    raise MlopsError.of(f"{name} did not answer at {url} in three minutes", step=step)


def _end(process: Process, stop: signal.Signals) -> None:
    if process.poll() is None:
        os.killpg(process.pid, stop)
        try:
            process.wait(timeout=GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
