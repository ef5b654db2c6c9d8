"""A batch is published or held as a whole, and the same batch again replaces what it left before."""

from pathlib import Path
from textwrap import dedent

import pyarrow as pa
import pytest

from mlops_assets import keys
from mlops_assets.errors import ContractError
from mlops_assets.rooms.validate.batch import validate_batch
from mlops_assets.rooms.validate.outcome import Outcome
from mlops_assets.rooms.validate.split import HELD
from mlops_assets.spec.dataset import Dataset, Quarantine
from mlops_assets.spec.place import Place
from mlops_assets.spec.plan import DatasetPlan
from mlops_assets.spec.source import Source
from mlops_assets.stores.delta import DeltaLake

MODEL = """
    import pandera.pandas as pa

    class Things(pa.DataFrameModel):
        id: int
        size: float = pa.Field(in_range={"min_value": 0, "max_value": 100})
"""


class Home:
    """A lake with raw batches, and a dataset with a limit of a quarter bad rows."""

    def __init__(self, path: Path, contract: str | None = None) -> None:
        self.path = path
        self.lake = DeltaLake(path / "data/lake")
        dataset = Dataset(
            name="things",
            source=Source(files="*.csv"),
            key=("id",),
            contract=contract,
            quarantine=Quarantine(max_share=0.25),
        )
        self.plan = DatasetPlan(dataset, Place(path))

    def arrive(self, batch: str, ids: list[int | None], sizes: list[object]) -> Outcome:
        texts = [None if size is None else str(size) for size in sizes]
        return self.arrive_table(batch, pa.table({"id": ids, "size": pa.array(texts, pa.string())}))

    def arrive_table(self, batch: str, raw: pa.Table) -> Outcome:
        self.lake.write(keys.raw_table("things", batch), raw, batch=batch, commit={"file": f"{batch}.csv.gz"})
        return validate_batch(self.lake, self.plan, batch, self.path)

    def ids(self, stage: str, batch: str) -> list[int]:
        table = keys.table("things", stage)
        column = "id" if stage == "clean" else "_row"
        found = self.lake.read(table, batches=[batch]) if self.lake.exists(table) else None
        return sorted(found.column(column).to_pylist()) if found else []


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    (tmp_path / "things_contract.py").write_text(dedent(MODEL))
    monkeypatch.syspath_prepend(str(tmp_path))
    return Home(tmp_path, "things_contract:Things")


def test_few_bad_rows_go_to_quarantine_and_the_way_goes_on(home: Home) -> None:
    found = home.arrive("one", [1, 2, 3, 3, 4], [1, 2, 3, 3, -4])
    assert (found.rows_in, found.clean, found.quarantined, found.merged, found.stopped) == (5, 3, 1, 1, None)
    assert found.conserved
    assert found.reasons == {"size:in_range(0, 100)": 1}
    assert home.ids("clean", "one") == [1, 2, 3]
    assert home.ids("quarantine", "one") == [5]
    assert home.lake.history("things/clean")[-1]["file"] == "one.csv.gz"


def test_many_bad_rows_hold_the_whole_batch_and_name_file_reasons_and_rows(home: Home) -> None:
    found = home.arrive("one", [1, 2, 3], [1, -2, "x"])
    assert (found.clean, found.quarantined, found.merged) == (0, 3, 0)
    assert found.conserved
    assert found.excess.startswith(
        "one.csv.gz: 2 of 3 rows break the contract: size:in_range(0, 100) (1 rows, such as row 2)"
    )
    assert "allowed: a share of 0.25" in found.excess
    assert found.reasons[HELD] == 1
    assert home.ids("clean", "one") == []
    assert not home.lake.exists("things/clean")


def test_a_missing_column_holds_the_whole_batch(home: Home) -> None:
    found = home.arrive_table("one", pa.table({"id": [1, 2]}))
    assert (found.clean, found.quarantined, found.merged) == (0, 2, 0)
    assert found.breach.startswith("one.csv.gz: missing column size; got: id")
    assert found.reasons == {"batch:missing_column(size)": 2}


def test_a_mended_batch_replaces_the_held_one_and_a_broken_one_takes_the_good_away(home: Home) -> None:
    home.arrive("other", [9], [9])
    home.arrive("one", [1, 2], [-1, -2])
    home.arrive("one", [1, 2], [1, 2])
    assert (home.ids("clean", "one"), home.ids("quarantine", "one")) == ([1, 2], [])
    broken = home.arrive("one", [1, 2], [-1, -2])
    assert (home.ids("clean", "one"), home.ids("quarantine", "one")) == ([], [1, 2])
    assert "clean" not in broken.versions
    assert home.ids("clean", "other") == [9]


def test_the_same_batch_again_writes_nothing(home: Home) -> None:
    first = home.arrive("one", [1, 2, 3, 4, 5], [1, 2, 3, 4, -5])
    again = home.arrive("one", [1, 2, 3, 4, 5], [1, 2, 3, 4, -5])
    assert {stage: version.number for stage, version in again.versions.items()} == {"clean": 0, "quarantine": 0}
    assert not any(version.changed for version in again.versions.values())
    assert again.reasons == first.reasons


def test_a_key_that_another_batch_holds_is_refused(home: Home) -> None:
    home.arrive("one", [1, 2], [1, 2])
    found = home.arrive("two", [2, 3, 4, 5], [9, 3, 4, 5])
    assert found.reasons == {"key:in_batch(one)": 1}
    assert home.ids("clean", "two") == [3, 4, 5]


def test_rows_that_arrive_again_in_another_batch_are_merged_and_the_first_to_arrive_stay(home: Home) -> None:
    home.arrive("one", [1, 2], [1, 2])
    again = home.arrive("two", [1, 2, 2, 3], [1, 2, 2, 3])
    assert (again.rows_in, again.clean, again.quarantined, again.merged, again.stopped) == (4, 1, 0, 3, None)
    assert (home.ids("clean", "one"), home.ids("clean", "two")) == ([1, 2], [3])
    whole = home.arrive("three", [1, 3], [1, 3])
    assert (whole.clean, whole.merged, whole.stopped) == (0, 2, None)


def test_a_batch_may_be_wholly_bad_where_that_is_allowed(home: Home) -> None:
    anything = home.plan.dataset.model_copy(update={"quarantine": Quarantine(max_share=1)})
    home.plan = DatasetPlan(anything, home.plan.place)
    found = home.arrive("one", [1], [-1])
    assert (found.clean, found.quarantined, found.stopped) == (0, 1, None)
    assert home.lake.read("things/clean").column_names == ["id", "size"]


def test_without_a_declared_contract_the_first_batch_freezes_one(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert home.arrive("one", [1, 2, 3, 4], [1, 2, 3, 4]).stopped is None
    found = home.arrive("two", [5, 6, 7, 8], [5, 6, 7, "x"])
    assert (tmp_path / "data/contracts/things.contract.yaml").is_file()
    assert found.reasons == {"size:type": 1}


def test_a_contract_that_is_none_is_an_error_and_writes_nothing(home: Home) -> None:
    (home.path / "no_contract.py").write_text("Things = 3\n")
    home.plan = DatasetPlan(home.plan.dataset.model_copy(update={"contract": "no_contract:Things"}), home.plan.place)
    with pytest.raises(ContractError, match="not a contract"):
        home.arrive("one", [1], [1])
    assert home.lake.tables() == ["things/raw/one"]
