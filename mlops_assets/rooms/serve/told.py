"""What a service says of itself: its models, whether it is ready, and what to do when it is not."""

from collections.abc import Mapping
from typing import Any, Final

from mlops_assets.rooms.serve.line import Line

NOTHING: Final = "release a model: mlops demo, or materialize its champion in Dagster"
FULL: Final = "free the disk, or mend the log's folder; the service tries by itself, and is ready once a write works"


def brief(line: Line) -> dict[str, Any]:
    """A model in a line."""
    served = line.champion
    return {
        "name": line.model,
        "version": served.version if served else None,
        "engine": served.manifest["engine"] if served else None,
        "task": served.manifest["task"] if served else None,
        "challengers": [{"version": each.version, "role": each.role} for each in line.challengers],
        **({"problem": line.trouble} if line.trouble else {}),
    }


def model(line: Line) -> dict[str, Any]:
    """A model with its schema; the line has a champion."""
    assert line.champion is not None  # noqa: S101 - the caller's promise
    manifest = line.champion.manifest
    names = ("description", "candidate", "threshold", "classes", "trained_until", "schema", "parity", "online")
    return {
        **brief(line),
        **{name: manifest[name] for name in names},
        "digest": line.champion.digest,
        "card": f"/v1/models/{line.model}/card",
    }


def readiness(lines: Mapping[str, Line], *, draining: bool) -> dict[str, Any]:
    """Whether every model that was released answers, but for those that have expired and stopped by declaration.

    Nothing is answered while the log cannot be written.
    One that answers by its release before, or has stopped, is told as a problem.
    """
    problems = {line.model: line.trouble for line in lines.values() if line.trouble}
    loaded = [line for line in lines.values() if line.champion]
    unlogged = any(line.unlogged for line in loaded)
    ready = len(loaded) == len(lines) and not all(line.stopped for line in loaded) and not (draining or unlogged)
    found: dict[str, Any] = {"ready": ready, "models": {line.model: brief(line) for line in lines.values()}}
    if problems:
        found["problems"] = problems
    if unlogged or not lines:
        found["next"] = FULL if unlogged else NOTHING
    return found
