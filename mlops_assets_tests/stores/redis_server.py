"""A Redis of the tests' own: started when it is first asked for, on a free port, and gone with the process."""

import atexit
import os
import shutil
import socket
import subprocess
import tempfile
import time
from functools import cache

import pytest
import redis

from mlops_assets.stores.online_redis import RedisOnline


def online() -> RedisOnline:
    """The online store in an empty Redis; without a server skip, but in CI fail."""
    url = server()
    with redis.Redis.from_url(url) as client:
        client.flushall()
    return RedisOnline(url)


@cache
def server() -> str:
    """The URL of the running server."""
    found = shutil.which("redis-server")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("no redis-server in CI; next: run .ci/run, which installs it")
        pytest.skip("no redis-server; next: install it")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    process = subprocess.Popen([found, *options, "--dir", tempfile.gettempdir()], stdout=subprocess.DEVNULL)
    atexit.register(process.kill)
    url = f"redis://127.0.0.1:{port}/0"
    _wait(url)
    return url


def _wait(url: str) -> None:
    for _ in range(200):
        with redis.Redis.from_url(url) as client:
            try:
                client.ping()
            except redis.ConnectionError:
                time.sleep(0.05)
            else:
                return
    pytest.fail("redis-server does not answer after 10 s")
