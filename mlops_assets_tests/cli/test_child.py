"""A process beside ours is waited for, ended with its block, and never outlives it; one that ends early is told."""

import signal
import socket
import sys
from pathlib import Path

import psutil
import pytest

from mlops_assets.cli import child as module
from mlops_assets.cli.child import child
from mlops_assets.errors import MlopsError

SERVER = """
import os, signal, sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer

class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

print(os.environ["TOLD"], flush=True)
if "deaf" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
HTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
"""


def _port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.mark.parametrize("manner", ["well", "deaf"])
def test_a_child_answers_in_its_block_and_is_gone_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, manner: str
) -> None:
    monkeypatch.setattr(module, "GRACE_SECONDS", 0.3 if manner == "deaf" else 20)
    monkeypatch.setattr(module, "POLL_SECONDS", 0.05)
    port, log = _port(), tmp_path / "ui.log"
    command = [sys.executable, "-S", "-c", SERVER, str(port), manner]
    with child("the UI", command, url=f"http://127.0.0.1:{port}", log=log, env={"TOLD": "hello"}) as process:
        assert psutil.pid_exists(process.pid)
    assert process.returncode == (-signal.SIGKILL if manner == "deaf" else -signal.SIGTERM)
    assert log.read_text().startswith("hello")


def test_a_child_is_ended_when_the_block_fails(tmp_path: Path) -> None:
    port = _port()
    command = [sys.executable, "-S", "-c", SERVER, str(port)]
    with (
        pytest.raises(RuntimeError, match="of ours"),
        child("the UI", command, url=f"http://127.0.0.1:{port}", log=tmp_path / "ui.log", env={"TOLD": ""}) as process,
    ):
        raise RuntimeError("of ours")
    assert process.returncode is not None


def test_a_child_that_ends_before_it_answers_says_where_to_read_why(tmp_path: Path) -> None:
    command = [sys.executable, "-S", "-c", "raise SystemExit(3)"]
    log = tmp_path / "ui.log"
    with (
        pytest.raises(MlopsError, match=r"the UI ended before it answered(.|\n)*exit 3(.|\n)*ui.log; free the port"),
        child("the UI", command, url=f"http://127.0.0.1:{_port()}", log=log, step="free the port"),
    ):
        pass
