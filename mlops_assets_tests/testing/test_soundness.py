"""The kit passes sound features, and names what is wrong with the others."""

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from mlops_assets import testing
from mlops_assets.errors import SpecError
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.feature_table import FeatureTable

SCHEMA = pa.schema(
    [
        ("dist", pa.int64()),
        ("hours", pa.float64()),
        ("origin", pa.string()),
        ("at", pa.timestamp("us", "UTC")),
        ("day", pa.date32()),
        ("heavy", pa.bool_()),
    ]
)
CASES = {
    *("zero", "tiny", "huge", "inf", "nan", "division by zero", "empty", "one row", "constant column"),
    *("unknown category", "time-zone change", "null", "usual"),
}


def test_every_case_is_a_table_of_the_schema() -> None:
    found = testing.cases(SCHEMA)
    assert set(found) == CASES
    assert all(table.schema == SCHEMA for table in found.values())
    assert (found["empty"].num_rows, found["one row"].num_rows) == (0, 1)


def test_sound_features_have_no_fault() -> None:
    def sound(t: Any) -> dict[str, Any]:
        return {
            "speed": (t.dist.cast("float64") / t.hours.nullif(0)).nullif(float("inf")).nullif(float("-inf")),
            "place": t.origin.fill_null("?").lower().substr(0, 3),
            "weekday": t.day.day_of_week.index(),
            "heavy": t.heavy,
        }

    assert testing.faults(sound, SCHEMA, ["place", "weekday", "heavy"]) == []
    assert {fault.feature for fault in testing.faults(sound, SCHEMA)} <= {"speed"}


@pytest.mark.parametrize(
    ("expression", "case", "said"),
    [
        ("hours / (hours - hours)", "one row", "inf"),
        ("1 / hours", "zero", "inf"),
        ("hours * 1e10", "huge", "inf"),
        ("dist + 1", "huge", "cannot be computed: Out of Range"),
        ("cast(origin as integer)", "unknown category", "cannot be computed: Conversion"),
        ("dist - lag(dist, 1, 0) over ()", "usual", "among others"),
        ("dist / avg(hours) over ()", "usual", "among others"),
    ],
)
def test_an_unsound_feature_is_named_with_its_case(expression: str, case: str, said: str) -> None:
    found = [fault for fault in testing.faults({"odd": expression}, SCHEMA) if fault.case == case]
    assert any(said in str(fault) for fault in found), found


def test_a_function_that_sees_an_outcome_is_refused() -> None:
    with pytest.raises((SpecError, AttributeError), match="delay"):
        testing.assert_sound(lambda t: {"x": t.delay}, SCHEMA)


def test_a_case_of_ones_own_is_looked_at_too() -> None:
    mine = pa.table({"hours": [7.0]})
    schema = pa.schema([("hours", pa.float64())])
    with pytest.raises(AssertionError, match=r"seven: x is inf, of \{'hours': 7.0\}"):
        testing.assert_sound({"x": "1 / nullif(hours - 7, hours)"}, schema, more={"seven": mine})


def test_a_table_is_audited_over_a_few_rows() -> None:
    moments = pa.array([datetime(2013, 1, 1, hour, tzinfo=UTC) for hour in (1, 2, 3)], pa.timestamp("us", "UTC"))
    rows = pa.table({"id": [1, 2, 3], "t": moments, "k": moments, "delay": [1.0, 2.0, 3.0]})
    trips = Dataset.model_validate(
        {"name": "trips", "source": {"files": "t"}, "key": ["id"], "event_time": "t"}
        | {"outcomes": {"known_at": "k", "columns": ["delay"]}}
    )
    counts = {"name": "n", "stat": "count", "of": "delay", "by": ["id"], "over": ["1d"]}
    table = FeatureTable.model_validate({"name": "f", "dataset": "trips", "aggregations": [counts]})
    assert testing.look_aheads(table, [trips], {"trips": rows}) == []
    early = FeatureTable.model_validate({"name": "f", "dataset": "trips", "columns": {"d": "delay"}})
    with pytest.raises(SpecError, match="delay, not known at the event time"):
        testing.look_aheads(early, [trips], {"trips": rows})
