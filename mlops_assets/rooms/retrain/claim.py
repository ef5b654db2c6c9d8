"""Who launches the run of a request: of several daemons exactly one, and another when that one dies before it does."""

import os
import socket
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Final
from uuid import uuid4

if TYPE_CHECKING:
    from mlops_assets.stores.lineage import Lineage, Record

CLAIM: Final = "retrain_launch"
LEASE: Final = timedelta(minutes=2)
"""How long a living process may take from its claim to the run."""


def claim(lineage: "Lineage", model: str, key: str, attempt: int, *, who: str = "") -> bool:
    """Whether this process is to launch an attempt; a claim is one record, so that two cannot both have it.

    Args:
        lineage: where claims are kept.
        model: whose request it is.
        key: of the request.
        attempt: of its run, from 1.
        who: the claimant; left out: this process.
    """
    who = who or myself()
    standing = _standing(lineage, model, f"{key}:{attempt}")
    if standing is not None and _holds(standing):
        return False
    after = standing.sequence if standing else 0
    body = {"launch": f"{key}:{attempt}", "who": who, "mark": uuid4().hex}
    made = lineage.append(CLAIM, model, body, once=f"{CLAIM}:{model}:{key}:{attempt}:{after}")
    return bool(made.body["mark"] == body["mark"])


@cache
def myself() -> str:
    """This process: host, number and start, so that no later process is taken for it."""
    return f"{socket.gethostname()}:{os.getpid()}:{_started(os.getpid())}"


def _standing(lineage: "Lineage", model: str, launch: str) -> "Record | None":
    claims = [record for record in lineage.records(CLAIM, model) if record.body["launch"] == launch]
    return claims[-1] if claims else None


def _holds(standing: "Record") -> bool:
    """Whether a claim still stands: it is young, and its process lives or is on another machine."""
    if datetime.now(UTC) - datetime.fromisoformat(standing.at) > LEASE:
        return False
    host, pid, started = standing.body["who"].rsplit(":", 2)
    return host != socket.gethostname() or _started(int(pid)) == int(started)


def _started(pid: int) -> int:
    """When a process began, in seconds; 0 when there is none."""
    import psutil

    try:
        return int(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return 0
