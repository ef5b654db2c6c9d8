"""What sets the platform going and what does not: a demand is answered once, the same content never computed twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from mlops_assets.cli.main import main
from mlops_assets.resources.stores import Stores
from mlops_assets.stores.lineage import Record
from mlops_assets_tests.journeys import platform
from mlops_assets_tests.journeys.platform import Platform
from mlops_assets_tests.samples import land

pytestmark = pytest.mark.journey

MODEL = "flight_delays"
MONTHS = ("2013-01", "2013-02", "2013-03")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose first model has been trained and released."""
    home = tmp_path_factory.mktemp("trained")
    with platform.run(home) as running:
        land(running.settings.landing, MONTHS)
        running.loop.settle()
    return home


@pytest.fixture
def running(trained: Path) -> Iterator[Platform]:
    """It runs again, and remembers no cursor."""
    with platform.run(trained) as found:
        yield found


def requests() -> list[Record]:
    return Stores().lineage().records(kind="retrain_request", subject=MODEL)


def computed(running: Platform) -> int:
    """How many materializations one more settling brings."""
    before = running.loop.materialized
    running.loop.settle()
    return running.loop.materialized - before


def test_a_persons_demand_is_answered_once(running: Platform) -> None:
    before = requests()
    assert before
    home = str(running.settings.home)
    told = CliRunner().invoke(main, ["retrain", MODEL, "--reason", "the fleet changed", "--home", home])
    assert told.exit_code == 0, told.output
    assert computed(running) > 0
    (request,) = requests()[len(before) :]
    assert request.body["causes"] == ["demand"]
    assert "the fleet changed" in request.body["reason"]
    assert computed(running) == 0
    assert len(requests()) == len(before) + 1


def test_a_demand_for_an_unknown_model_names_the_nearest(running: Platform) -> None:
    told = CliRunner().invoke(
        main, ["retrain", "flight_delay", "--reason", "why not", "--home", str(running.settings.home)]
    )
    assert told.exit_code == 1
    assert f"did you mean '{MODEL}'?" in told.output


@pytest.mark.parametrize("settled", [False, True], ids=["without cursors", "with cursors"])
def test_the_same_content_landed_again_computes_nothing(running: Platform, settled: bool) -> None:
    if settled:
        running.loop.settle()
    files = sorted(running.settings.landing.glob("*/*.parquet"))
    assert len(files) == 1 + 2 * len(MONTHS)
    for file in files:
        content = file.read_bytes()
        file.unlink()
        file.write_bytes(content)
    assert computed(running) == 0
