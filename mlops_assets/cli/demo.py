"""`mlops demo`: a real year of flights lands month by month, and the real sensors take it from there."""

import json
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import click

from mlops_assets.cli.story import Chapter, Story
from mlops_assets.errors import MlopsError

MODEL, DATASET = "flight_delays", "flights"
_SOURCE = "mlops_assets.defs.flight_delays.source"


@click.command()
@click.option("--headless", is_flag=True, help="Without a browser or daemon: run the sensors here, and end.")
@click.option("--until", default="2013-12", show_default=True, help="The last month that lands.")
@click.option("--home", type=click.Path(path_type=Path), help="The folder that holds data/; default: here.")
@click.option("--json", "file", type=click.Path(path_type=Path), help="Write the story there as JSON.")
@click.option("--port", default=3000, show_default=True, help="Of Dagster's UI.")
def demo(headless: bool, until: str, home: Path | None, file: Path | None, port: int) -> None:
    """Replay the real flights of 2013 through the whole loop."""
    from mlops_assets.cli.home import only_one, prepare

    source = import_module(_SOURCE)
    months = [month for month in source.MONTHS if month <= until]
    if not months:
        raise MlopsError.of("no such month", got=until, allowed=f"{source.MONTHS[0]} to {source.MONTHS[-1]}")
    settings = prepare(home)
    with only_one(settings):
        began = time.monotonic()
        replay = _headless if headless else _with_ui
        chapters, materialized = replay(source, months, settings.landing, port)
        story = {
            "months": [chapter.to_dict() for chapter in chapters],
            "seconds": round(time.monotonic() - began, 2),
            "materialized": materialized,
        }
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(story, indent=2) + "\n")


def _headless(source: ModuleType, months: list[str], landing: Path, port: int) -> tuple[list[Chapter], int]:
    from mlops_assets.cli.home import unlogged
    from mlops_assets.cli.loop import Loop
    from mlops_assets.cli.memory import careful
    from mlops_assets.cli.progress import Progress
    from mlops_assets.cli.reconcile import reconcile
    from mlops_assets.definitions import definitions
    from mlops_assets.resources.stores import Stores
    from mlops_assets.settings import Settings

    del port
    careful()
    with unlogged(Settings.from_env()) as instance, Progress() as progress:
        reconcile(instance)
        loop = Loop(instance, definitions(), started=progress.doing)
        story = Story(Stores(), instance, model=MODEL, dataset=DATASET)
        chapters = list(_months(source, months, landing, loop.settle, story=story, say=progress.chapter))
        progress.end(loop.materialized)
        return chapters, loop.materialized


def _with_ui(source: ModuleType, months: list[str], landing: Path, port: int) -> tuple[list[Chapter], int]:
    import dagster as dg

    from mlops_assets.cli.progress import Progress
    from mlops_assets.cli.quiet import Quiet
    from mlops_assets.cli.reconcile import reconcile
    from mlops_assets.cli.stack import stack
    from mlops_assets.definitions import definitions
    from mlops_assets.resources.stores import Stores
    from mlops_assets.settings import Settings

    with dg.DagsterInstance.get() as instance, Progress() as progress:
        reconcile(instance)
        progress.doing("starting Dagster's UI and daemon", "")
        with stack(Settings.from_env(), port) as running:
            progress.look(running.url)
            quiet = Quiet(instance, definitions(), doing=progress.doing)
            story = Story(Stores(), instance, model=MODEL, dataset=DATASET)
            chapters = list(_months(source, months, landing, quiet.wait, story=story, say=progress.chapter))
            progress.stay(running.url)
            running.wait()
            return chapters, quiet.materialized


def _months(
    source: ModuleType,
    months: list[str],
    landing: Path,
    settle: Callable[[], None],
    *,
    story: Story,
    say: Callable[[Chapter], None],
) -> Iterator[Chapter]:
    for month in months:
        began = time.monotonic()
        source.extract(month, landing)
        settle()
        chapter = story.chapter(month, seconds=round(time.monotonic() - began, 2))
        say(chapter)
        yield chapter
