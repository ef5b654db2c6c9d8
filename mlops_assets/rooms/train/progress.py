"""How far a search is: a bar where somebody looks on, lines in the log where nobody does, an MLflow run a trial."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mlops_assets.rooms.train.search import Tried

if TYPE_CHECKING:
    from mlops_assets.rooms.train.tuning import Told
    from mlops_assets.stores.registry import TrainingRun

EVERY = 10


@contextmanager
def progress(trials: int, log: Callable[[str], object]) -> "Iterator[Told]":
    """Tell of each variant as it is settled.

    Args:
        trials: how many there will be.
        log: where a line goes every ten trials, when the output is no terminal.
    """
    if not sys.stderr.isatty():

        def line(tried: Tried, done: int) -> None:
            if done % EVERY == 0 or done == trials:
                log(_line(tried, done, trials))

        yield line
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("search", total=trials)
        yield lambda tried, done: bar.update(task, completed=done, description=_line(tried, done, trials))


def both(first: "Told", second: "Told") -> "Told":
    """Tell two."""

    def told(tried: Tried, done: int) -> None:
        first(tried, done)
        second(tried, done)

    return told


def record(run: "TrainingRun", tried: Tried, done: int) -> None:
    """Keep a variant as a run below the search's."""
    figures = {"seconds": tried.seconds, **({} if tried.figure is None else {"objective": tried.figure})}
    run.trial(f"trial {done}", params={"estimator": tried.estimator, **tried.parameters}, metrics=figures)


def _line(tried: Tried, done: int, trials: int) -> str:
    figure = "given up" if tried.figure is None else f"{tried.figure:.4f}"
    return f"trial {done} of {trials}: {tried.estimator} {figure}"
