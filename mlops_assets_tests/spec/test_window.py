"""What is judged at once is declared in words, and what cannot be a window is answered with what can."""

import pytest
from pydantic import ValidationError

from mlops_assets.errors import SpecError
from mlops_assets.spec.model import Monitor
from mlops_assets_tests.rooms import trips


@pytest.mark.parametrize("text", ["batch", "5000 rows", "7d", "12h"])
def test_a_window_is_read_and_written_in_the_same_words(text: str) -> None:
    declared = Monitor.model_validate({"window": text})
    assert declared.window.text == text
    assert Monitor.model_validate_json(declared.model_dump_json()) == declared
    assert declared.window.batch is (text == "batch")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            "weekly",
            "not a window: 'weekly'; allowed: batch, a number of rows such as 5000 rows, or a duration such as 7d",
        ),
        (5000, "a window needs a unit: 5000"),
        ("20 rows", "greater than or equal to 30"),
        ("5m", "a window of 5m is too short: allowed is 1h and more"),
    ],
)
def test_what_is_no_window_is_refused(wrong: object, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Monitor.model_validate({"window": wrong})


def test_stretches_of_time_need_rows_that_have_one() -> None:
    with pytest.raises(SpecError, match=r"has windows of time, but the rows of dataset 'trips' have none"):
        trips.plan(timed=False, monitor={"window": "7d"})
    assert trips.plan(timed=False, monitor={"window": "500 rows"}).model.monitor.window.rows == 500
