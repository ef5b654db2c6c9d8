"""A month of the replay in a line."""

import pytest

from mlops_assets.cli.progress import line
from mlops_assets.cli.story import Chapter


def month(
    drift: float | None, threshold: float | None, *, alarm: bool | None = None, faulty: str | None = None
) -> Chapter:
    return Chapter(
        month="2013-12",
        rows_in=28_135,
        clean=28_135,
        quarantined=0,
        merged=0,
        champion=3,
        verdict=None,
        causes=(),
        auc=0.737,
        drift=drift,
        drift_threshold=threshold,
        drift_alarm=alarm,
        drift_faulty=faulty,
        interval=None,
        failed=None,
    )


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        (month(None, None), "-               "),
        (month(0.178, 0.238, alarm=False), "0.178 of 0.238  "),
        (month(12.331, 3.524, alarm=True), "12.331 of 3.524!"),
        (month(0.181, 0.272, alarm=False, faulty="temp (nulls), humid (nulls)"), "fault: nulls    "),
        (month(9.0, 1.0, alarm=False, faulty="a (unseen), b (nulls)"), "fault: nulls, unseen"),
    ],
)
def test_the_drift_of_a_month_is_its_figure_or_the_fault_that_stops_it(told: Chapter, shown: str) -> None:
    assert (
        line(told)
        == f"2013-12   28,135   28,135            0      0  0.737  {shown} -                      -             v3"
    )
