"""The year is replayed once for all journeys."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mlops_assets.stores.locking import locked


@dataclass(frozen=True)
class Year:
    """A replayed year: its home and its story."""

    home: Path
    story: Mapping[str, Any]

    @property
    def months(self) -> list[dict[str, Any]]:
        """A record a month."""
        found: list[dict[str, Any]] = self.story["months"]
        return found

    def environment(self) -> dict[str, str]:
        """The environment of a process that works in this home."""
        return {**os.environ, "MLOPS_HOME": str(self.home), "DAGSTER_HOME": str(self.home / "data" / "dagster")}


def mlops(*arguments: str) -> str:
    """Run the command line; what it printed."""
    command = [sys.executable, "-c", "from mlops_assets.cli.main import main; main()", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def year(tmp_path_factory: pytest.TempPathFactory) -> Year:
    """The real year of flights, replayed headless; `MLOPS_YEAR` names a home replayed before, to save the time."""
    given = os.environ.get("MLOPS_YEAR")
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    home = Path(given) if given else shared / "year"
    home.mkdir(exist_ok=True)
    story = home / "story.json"
    with locked(home / ".replaying"):  # the workers of one test run share one year
        if not story.exists():
            mlops("demo", "--headless", "--home", str(home), "--json", str(story))
    return Year(home, json.loads(story.read_text()))
