"""One service for all tests that only ask it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlops_assets.rooms.train.candidates import hist_gradient_boosting
from mlops_assets.settings import Settings
from mlops_assets.stores.online_sqlite import SqliteOnline
from mlops_assets_tests.rooms import trips
from mlops_assets_tests.rooms.serve.running import release, service


@pytest.fixture(scope="session")
def where(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its home."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def url(where: Path) -> Iterator[str]:
    """Its address."""
    release(where, builder=hist_gradient_boosting, sensitive=["origin"], privacy={"carrier": "hash", "noise": "bucket"})
    rows = trips.rows(50)
    online = SqliteOnline(Settings(where).online)
    online.put("trip_facts/online", ["trip"], rows.drop_columns(["label"]), time_column="event_time")
    with service(where) as running:
        yield running.url
