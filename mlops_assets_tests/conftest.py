"""What every test shares: no telemetry, a home of its own, fast tests first, and a browser when one is there."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parent.parent
SLOWER = ("slow", "browser", "journey")
OFFLINE = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
QUIET = {
    "DO_NOT_TRACK": "1",
    "DAGSTER_DISABLE_TELEMETRY": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SKIP_PIP_REQUIREMENTS_CHECK": "true",
}


def pytest_configure() -> None:
    """Silence telemetry before anything that might send it is imported."""
    os.environ.update(QUIET)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the fast tests first: a mistake shows in seconds, before any journey starts."""
    items.sort(key=_slowness)


def _slowness(item: pytest.Item) -> int:
    return max((place for place, mark in enumerate(SLOWER, start=1) if item.get_closest_marker(mark)), default=0)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A platform's home for this test alone; nothing of the user's own environment leaks in."""
    for name in ("DAGSTER_HOME", "MLFLOW_TRACKING_URI", "MLOPS_REPORTS_URL", "MLOPS_ONLINE_URL"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    monkeypatch.setenv("MLOPS_HOME", str(home))
    return home


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Chromium: `CHROMIUM`, or one on the PATH; without one skip, but in CI fail."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if found:
        return found
    if os.environ.get("CI"):
        pytest.fail("no Chromium in CI; next: run .ci/run, which installs it")
    pytest.skip("no Chromium; next: install it, or set CHROMIUM to its path")


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator["Browser"]:
    """A headless browser for the tests of a file, and no longer: while it is open the thread has a running event loop,
    in which nothing of Dagster's that calls `asyncio.run` can be tested.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Chromium has no sandbox for root, who runs the tests in a container.
        sandbox = os.geteuid() != 0
        launched = playwright.chromium.launch(executable_path=chromium, chromium_sandbox=sandbox, args=OFFLINE)
        yield launched
        launched.close()
