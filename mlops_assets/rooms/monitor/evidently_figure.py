"""Figures of ours in Evidently's reports: what it draws and tests then is what we judged, and not its own defaults.

Importing this module imports Evidently, which takes seconds: it is done where a report is drawn.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from evidently.core.metric_types import SingleValue, SingleValueCalculation, SingleValueMetric
from evidently.legacy.calculations.stattests.registry import StatTest, register_stattest
from evidently.legacy.core import ColumnType
from evidently.legacy.renderers.html_widgets import CounterData, WidgetSize, counter

if TYPE_CHECKING:
    import pandas as pd
    from evidently.core.datasets import Dataset
    from evidently.core.report import Context

METHOD: Final = "mlops_distance"
_FIGURES: ContextVar[Mapping[str, float]] = ContextVar("figures")
_DISTANCES: ContextVar[Mapping[str, float]] = ContextVar("distances")


class Figure(SingleValueMetric):  # type: ignore[misc]  # Evidently is not typed
    """A figure that was had before Evidently was asked; it is no part of the metric, so that windows make one line.

    Attributes:
        figure: what was measured.
    """

    figure: str


class FigureCalculation(SingleValueCalculation[Figure]):  # type: ignore[misc]  # Evidently is not typed
    """Gives the figure as it is."""

    def calculate(
        self,
        context: "Context",  # noqa: ARG002 - Evidently's signature
        current_data: "Dataset",  # noqa: ARG002
        reference_data: "Dataset | None",  # noqa: ARG002
    ) -> tuple[SingleValue, None]:
        """The figure of the window, two beside each other, and none of the reference."""
        found = self.result(_FIGURES.get()[self.metric.figure])
        shown = CounterData(label="", value=f"{found.value:0.3f}")
        found.widget = [counter(title=self.display_name(), size=WidgetSize.HALF, counters=[shown])]
        return found, None

    def display_name(self) -> str:
        """What was measured."""
        return str(self.metric.figure)


@contextmanager
def known(figures: Mapping[str, float], distances: Mapping[str, float]) -> Iterator[None]:
    """For as long as the block runs, figures have these values, and `METHOD` gives these distances of columns."""
    tokens = _FIGURES.set(figures), _DISTANCES.set(distances)
    try:
        yield
    finally:
        _FIGURES.reset(tokens[0])
        _DISTANCES.reset(tokens[1])


def _distance(
    reference: "pd.Series[Any]",  # noqa: ARG001 - Evidently's signature
    current: "pd.Series[Any]",
    kind: ColumnType,  # noqa: ARG001
    threshold: float,
) -> tuple[float, bool]:
    """Ours, of all rows and not only of those that are drawn; by name."""
    found = _DISTANCES.get()[str(current.name)]
    return found, found > threshold


register_stattest(
    StatTest(
        name=METHOD,
        display_name="distance over all rows: Kolmogorov-Smirnov, or total variation of a category",
        allowed_feature_types=[ColumnType.Numerical, ColumnType.Categorical],
    ),
    _distance,
)
