"""The audit says nothing about an honest table, and names a look-ahead that was planted."""

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from mlops_assets.rooms.features.look_ahead import audit
from mlops_assets.rooms.features.table import materialize
from mlops_assets.spec.plan import FeaturePlan
from mlops_assets.stores.lake import Lake

BATCH = "2013-02"
Plans = Callable[..., FeaturePlan]


def rewrite(lake: Lake, change: Callable[[pa.Table], pa.Table]) -> None:
    lake.write("context/offline", change(lake.read("context/offline", batches=[BATCH])), batch=BATCH)


def test_an_honest_table_has_no_violations(lake: Lake, plan_of: Plans) -> None:
    materialize(lake, plan_of(), BATCH)
    assert audit(lake, plan_of(), BATCH, sample=40) == []


def test_known_at_may_be_listed_among_the_outcomes_too(lake: Lake, plan_of: Plans) -> None:
    plan = plan_of(outcomes={"known_at": "k", "columns": ["k", "delay"]})
    materialize(lake, plan, BATCH)
    assert audit(lake, plan, BATCH) == []


def test_an_outcome_taken_as_known_before_it_was_is_caught(lake: Lake, plan_of: Plans) -> None:
    materialize(lake, plan_of(outcomes={"known_at": "said", "columns": ["delay", "k"]}), BATCH)
    found = audit(lake, plan_of(), BATCH)
    assert found
    assert {violation.feature for violation in found} <= {"delay_by_origin_6h", "delay_by_origin_2d", "flown_2d"}


def test_a_joined_value_from_the_future_is_caught(lake: Lake, plan_of: Plans) -> None:
    weather = lake.read("weather/clean")
    earlier = weather.set_column(1, "hour", pc.subtract(weather["hour"], pa.scalar(7_200_000_000, pa.duration("us"))))
    lake.write("weather/clean", earlier, batch="2013")
    materialize(lake, plan_of(), BATCH)
    lake.write("weather/clean", weather, batch="2013")
    assert {violation.feature for violation in audit(lake, plan_of(), BATCH)} == {"temperature"}


def test_a_tampered_table_is_caught_with_what_it_holds_and_what_comes_out(lake: Lake, plan_of: Plans) -> None:
    materialize(lake, plan_of(), BATCH)
    rewrite(lake, lambda rows: rows.set_column(2, "dist", pc.add(rows["dist"], 1.0)))
    found = audit(lake, plan_of(), BATCH, sample=5)
    assert [violation.feature for violation in found] == ["dist"] * 5
    assert all(violation.got == violation.expected + 1 for violation in found)


def test_a_row_that_is_missing_is_caught(lake: Lake, plan_of: Plans) -> None:
    materialize(lake, plan_of(), BATCH)
    rewrite(lake, lambda rows: rows.slice(0, rows.num_rows - 1))
    [violation] = audit(lake, plan_of(), BATCH, sample=40)
    assert (violation.feature, violation.got) == ("every feature", "no row")


def test_the_sample_depends_on_the_seed_alone(lake: Lake, plan_of: Plans) -> None:
    materialize(lake, plan_of(), BATCH)
    rewrite(lake, lambda rows: rows.set_column(2, "dist", pc.add(rows["dist"], 1.0)))
    keys = [[v.key for v in audit(lake, plan_of(), BATCH, sample=4, seed=seed)] for seed in (1, 1, 2)]
    assert keys[0] == keys[1] != keys[2]
