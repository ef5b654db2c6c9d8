"""A contract changes as a diff; what a living model reads is not broken under it, and every old version stays."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from mlops_assets import keys
from mlops_assets.rooms.validate import evolution
from mlops_assets.rooms.validate.batch import validate_batch
from mlops_assets.rooms.validate.contract import Column, Contract, Rule
from mlops_assets.rooms.validate.evolution import ContractChanged
from mlops_assets.rooms.validate.frozen import place_of, read
from mlops_assets.rooms.validate.outcome import Outcome
from mlops_assets.rooms.validate.pandera_models import from_pandera
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.feature_table import FeatureTable
from mlops_assets.spec.model import Model, Target
from mlops_assets.spec.place import Place
from mlops_assets.spec.plan import DatasetPlan, Reader
from mlops_assets.stores.delta import DeltaLake
from mlops_assets.stores.lineage import SqliteLineage

FEATURES = FeatureTable(name="facts", dataset="trips", columns={"twice": "distance * 2"})
LATE = Model(name="late", target=Target(column="was_late", expression="delay > 5"), features=("facts",))
INTEGER, NUMBER = "{name: distance, type: BIGINT", "{name: distance, type: DOUBLE"
START = [
    Column("id", "BIGINT", nullable=False),
    Column("distance", "BIGINT", nullable=False),
    Column("delay", "BIGINT"),
    Column("note", "VARCHAR"),
]


class Home:
    """Trips with an inferred contract in a file beside their declaration, and a model that reads them."""

    def __init__(self, path: Path) -> None:
        self.path, self.lake, self.lineage = path, DeltaLake(path / "data/lake"), SqliteLineage(path / "lineage.db")

    def plan(self, version: int = 1) -> DatasetPlan:
        declared = {"name": "trips", "source": {"files": "*.csv"}, "key": ("id",), "contract_version": version}
        place = Place(self.path, declared_at=f"{self.path}/defs.yaml:1")
        return DatasetPlan(Dataset.model_validate(declared), place, (Reader(LATE, (FEATURES,)),))

    def arrive(self, batch: str, version: int = 1, **columns: list[Any]) -> Outcome:
        self.lake.write(keys.raw_table("trips", batch), pa.table(columns), batch=batch)
        return validate_batch(self.lake, self.plan(version), batch, self.path, lineage=self.lineage)

    def edit(self, change: Callable[[str], str]) -> None:
        file = place_of(self.plan(), self.path)
        file.write_text(change(file.read_text()))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """With one batch, and the model released."""
    found = Home(tmp_path)
    found.arrive("one", id=["1", "2"], distance=["10", "20"], delay=["1", None], note=["a", "b"])
    found.lineage.append("release", "late", {"version": 1})
    return found


def test_the_inferred_contract_lies_beside_the_declaration_for_a_person_to_edit(home: Home) -> None:
    text = (home.path / "trips.contract.yaml").read_text()
    assert f"# 10 to 20, 2 values, none missing\n  - {INTEGER}, nullable: true}}" in text
    rule = "nullable: true, checks: {in_range: {min_value: 0, max_value: 50}}"
    home.edit(lambda old: old.replace(f"{INTEGER}, nullable: true", f"{INTEGER}, {rule}"))
    assert read(home.path / "trips.contract.yaml").columns[1].rules[0].name == "in_range(0, 50)"
    assert home.arrive("two", id=["3", "4"], distance=["10", "60"], delay=["1", "1"], note=["", ""]).reasons == {
        "distance:in_range(0, 50)": 1,
        "batch:stopped": 1,
    }


def test_later_data_never_changes_it(home: Home) -> None:
    before = (home.path / "trips.contract.yaml").read_bytes()
    home.arrive("two", id=["3"], distance=["x"], delay=["y"], note=["z"])
    assert (home.path / "trips.contract.yaml").read_bytes() == before


def changed(**columns: Column | None) -> Contract:
    held = {column.name: column for column in START} | columns
    return Contract(tuple(column for column in held.values() if column is not None))


@pytest.mark.parametrize(
    ("contract", "expected"),
    [
        (changed(distance=None), [("distance", "dropped", True)]),
        (changed(distance=Column("distance", "DOUBLE", nullable=False)), [("distance", "type", True)]),
        (changed(distance=Column("distance", "BIGINT")), [("distance", "nullable", True)]),
        (
            changed(distance=Column("distance", "BIGINT", nullable=False, required=False)),
            [("distance", "required", True)],
        ),
        (changed(delay=None), [("delay", "dropped", True)]),
        (changed(note=None), [("note", "dropped", False)]),
        (changed(delay=Column("delay", "BIGINT", nullable=False)), [("delay", "nullable", False)]),
        (changed(more=Column("more", "BIGINT")), [("more", "added", False)]),
        (changed(delay=Column("delay", "BIGINT", rules=(Rule("low", "delay < 9"),))), [("delay", "rules", False)]),
        (changed(), []),
    ],
)
def test_a_change_is_a_diff_that_says_whether_it_breaks_what_a_living_model_reads(
    contract: Contract, expected: list[tuple[str, str, bool]], tmp_path: Path
) -> None:
    home = Home(tmp_path / "bare")
    plan, lineage = home.plan(), home.lineage
    force, _ = evolution.proposed(lineage, plan, Contract(tuple(START)))
    evolution.adopt(lineage, "trips", force, [])
    assert [(c.column, c.what, bool(c.breaks)) for c in evolution.changes(lineage, plan, contract)] == [
        (column, what, False) for column, what, _ in expected
    ], "before its release a model does not live"
    lineage.append("release", "late", {"version": 1})
    found = evolution.changes(lineage, plan, contract)
    assert [(c.column, c.what, bool(c.breaks)) for c in found] == expected
    if any(breaks for *_, breaks in expected):
        with pytest.raises(ContractChanged, match="set contract_version: 2"):
            evolution.proposed(lineage, plan, contract)


def test_a_breaking_change_is_refused_and_nothing_is_written_or_taken_away(home: Home) -> None:
    versions = {table: home.lake.version(table) for table in home.lake.tables()}
    home.edit(lambda old: old.replace(INTEGER, NUMBER))
    with pytest.raises(ContractChanged, match=r"\(late\); got: distance: type BIGINT -> DOUBLE"):
        home.arrive("one", id=["1", "2"], distance=["10", "20"], delay=["1", None], note=["a", "b"])
    assert {table: home.lake.version(table) for table in home.lake.tables()} == versions


def test_a_new_version_restates_every_batch_in_one_commit_and_the_old_versions_stay(home: Home) -> None:
    before = home.lake.version("trips/clean")
    home.edit(lambda old: old.replace(INTEGER, NUMBER))
    found = home.arrive("two", 2, id=["3"], distance=["30.5"], delay=["1"], note=["c"])
    assert list(found.restated) == ["one"]
    assert [(c.column, c.what) for c in found.changes] == [("distance", "type")]
    assert home.lake.read("trips/clean").sort_by("id")["distance"].to_pylist() == [10.0, 20.0, 30.5]
    assert home.lake.read("trips/clean", version=before)["distance"].type == pa.int64()
    carried = [(c.get("contract_version"), c.get("batch")) for c in home.lake.history("trips/clean")]
    assert carried == [("1", "one"), ("2", ""), ("2", "two")]
    assert home.lake.batches("trips/clean") == ["one", "two"]


def test_a_lower_version_than_the_one_in_force_is_refused(home: Home) -> None:
    home.edit(lambda old: old.replace(INTEGER, NUMBER))
    home.arrive("two", 2, id=["3"], distance=["30.5"], delay=["1"], note=["c"])
    with pytest.raises(ContractChanged, match="lower version"):
        home.arrive("two", 1, id=["3"], distance=["30.5"], delay=["1"], note=["c"])


def test_a_version_that_a_clean_batch_would_not_meet_is_refused_and_the_table_stays(home: Home) -> None:
    before = home.lake.version("trips/clean")
    home.edit(lambda old: old.replace("{name: note, type: VARCHAR", "{name: note, type: BIGINT"))
    with pytest.raises(ContractChanged, match="batch 'one' of trips, which is clean, does not meet"):
        home.arrive("two", 2, id=["3"], distance=["30"], delay=["1"], note=["4"])
    assert home.lake.version("trips/clean") == before
    force = evolution.in_force(home.lineage, "trips")
    assert force is not None
    assert force.version == 1


def at_least(limit: int) -> Callable[[Any], Any]:
    def long_enough(values: Any) -> Any:
        return values >= limit

    return long_enough


def checked(check: Any, **given: Any) -> Contract:
    """A pandera contract with one Python check of a column."""
    import pandera.pandas as pandera

    schema = pandera.DataFrameSchema({"distance": pandera.Column("int64", pandera.Check(check, name="far", **given))})
    return from_pandera(schema)


def test_other_code_behind_a_check_of_the_same_name_is_a_change() -> None:
    dataset = Dataset.model_validate({"name": "trips", "source": {"files": "*.csv"}})
    before = evolution.described(checked(at_least(1)), dataset)
    assert evolution.described(checked(at_least(1)), dataset) == before
    (change,) = evolution.between(before, evolution.described(checked(at_least(2)), dataset), {})
    assert (change.column, change.what, change.breaks) == ("", "checks", ())
    assert change.before.startswith("distance:far [")
    assert change.before != change.now


def test_other_sql_behind_a_rule_of_the_same_name_is_a_change() -> None:
    dataset = Dataset.model_validate({"name": "trips", "source": {"files": "*.csv"}})
    one, other = (
        evolution.described(Contract((Column("x", "BIGINT", rules=(Rule("small", sql),)),)), dataset)
        for sql in ("x < 5", "x < 9")
    )
    assert [(c.what, c.before, c.now) for c in evolution.between(one, other, {})] == [
        ("rules", "small: x < 5", "small: x < 9")
    ]


def test_the_digest_of_a_contract_is_the_same_in_every_process(tmp_path: Path) -> None:
    (tmp_path / "far.py").write_text(
        "import pandera.pandas as pa\nLIMITS = {'a', 'b', 'c'}\n"
        "class Far(pa.DataFrameModel):\n    x: str\n"
        "    @pa.check('x')\n    def known(cls, values):\n        return values.isin(LIMITS | {'d', 'e'})\n"
    )
    script = "import far; from mlops_assets.rooms.validate.pandera_models import from_pandera as f; "
    script += "print(f(far.Far).custom[0].code)"
    found = {
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path]), "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert len(found) == 1
    assert len(found.pop()) == 12
