"""A quarantined row is mended, goes through the contract again, and stays mended when its batch is validated again."""

from pathlib import Path
from textwrap import dedent

import pyarrow as pa
import pytest

from mlops_assets import keys
from mlops_assets.errors import ContractError, NotFound, UnknownName
from mlops_assets.rooms.validate import mends, quarantine
from mlops_assets.rooms.validate.batch import validate_batch
from mlops_assets.rooms.validate.mends import Release
from mlops_assets.rooms.validate.outcome import Outcome
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.place import Place
from mlops_assets.spec.plan import DatasetPlan
from mlops_assets.stores.delta import DeltaLake
from mlops_assets.stores.lineage import SqliteLineage

MODEL = """
    import pandera.pandas as pa

    class Sizes(pa.DataFrameModel):
        id: int
        size: float = pa.Field(in_range={"min_value": 0, "max_value": 100}, nullable=True)
"""


class Home:
    """A lake, a lineage, and a dataset with a limit of a quarter bad rows."""

    def __init__(self, path: Path) -> None:
        self.path, self.lake, self.lineage = path, DeltaLake(path / "data/lake"), SqliteLineage(path / "lineage.db")
        declared = {"name": "sizes", "source": {"files": "*.csv"}, "key": ("id",), "contract": "sizes_contract:Sizes"}
        self.plan = DatasetPlan(Dataset.model_validate({**declared, "quarantine": {"max_share": 0.25}}), Place(path))

    def arrive(self, sizes: list[str]) -> Outcome:
        raw = pa.table({"id": [str(n) for n in range(1, len(sizes) + 1)], "size": sizes})
        self.lake.write(keys.raw_table("sizes", "one"), raw, batch="one")
        return self.validate()

    def validate(self) -> Outcome:
        return validate_batch(self.lake, self.plan, "one", self.path, lineage=self.lineage)

    def release(self, rows: list[int], **values: str | None) -> Outcome:
        asked = Release("one", rows, "a person looked at it", values, "ada")
        mends.release(self.lake, self.lineage, self.plan, self.path, asked)
        return self.validate()

    def clean(self) -> list[float]:
        return sorted(self.lake.read("sizes/clean")["size"].to_pylist())


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    (tmp_path / "sizes_contract.py").write_text(dedent(MODEL))
    monkeypatch.syspath_prepend(str(tmp_path))
    return Home(tmp_path)


def test_a_mended_row_becomes_clean_and_every_row_is_accounted_for(home: Home) -> None:
    assert home.arrive(["1", "2", "3", "400"]).quarantined == 1
    found = home.release([4], size="40")
    assert (found.rows_in, found.clean, found.quarantined, found.merged) == (4, 4, 0, 0)
    assert home.clean() == [1.0, 2.0, 3.0, 40.0]
    [cell] = home.lake.read("sizes/repairs").to_pylist()
    assert cell == {"_row": 4, "column_name": "size", "repair": "mend", "before": "400", "after": "40"}


def test_the_release_is_in_the_lineage_with_rows_values_reason_and_person(home: Home) -> None:
    home.arrive(["1", "2", "3", "400"])
    home.release([4], size="40")
    [record] = home.lineage.records(mends.KIND, "sizes")
    assert (record.body["rows"], record.body["set"], record.body["by"]) == ([4], {"size": "40"}, "ada")
    assert record.body["reason"] == "a person looked at it"
    home.lineage.verify()


def test_it_survives_the_same_batch_and_makes_no_new_version(home: Home) -> None:
    home.arrive(["1", "2", "3", "400"])
    home.release([4], size="40")
    again = home.arrive(["1", "2", "3", "400"])
    assert again.quarantined == 0
    assert not any(version.changed for version in again.versions.values())


def test_a_batch_of_other_content_is_judged_as_it_is(home: Home) -> None:
    home.arrive(["1", "2", "3", "400"])
    home.release([4], size="40")
    assert home.arrive(["1", "2", "3", "500"]).quarantined == 1


def test_a_value_that_breaks_the_contract_is_refused_and_nothing_is_recorded(home: Home) -> None:
    home.arrive(["1", "2", "3", "400"])
    for value in ("500", "x'; drop table judged; --"):
        with pytest.raises(ContractError, match="1 of 1 rows of sizes one would still break the contract"):
            home.release([4], size=value)
    assert home.lineage.records(mends.KIND) == []


def test_only_quarantined_rows_and_known_columns_are_mended(home: Home) -> None:
    home.arrive(["1", "2", "3", "400"])
    with pytest.raises(UnknownName, match="allowed: 4"):
        home.release([1], size="1")
    with pytest.raises(UnknownName, match="did you mean 'size'"):
        home.release([4], sise="1")
    with pytest.raises(NotFound, match="nothing of batch 'two'"):
        quarantine.rows(home.lake, "sizes", "two")


def test_a_stopped_batch_goes_on_once_enough_of_its_rows_are_mended(home: Home) -> None:
    assert home.arrive(["1", "200", "300", "400"]).stopped
    assert home.release([2, 3], size=None).stopped is None
    assert quarantine.summary(home.lake, "sizes") == [
        {"batch": "one", "reason": "size:in_range(0, 100)", "rows": 1, "such_as": [4]}
    ]
    assert home.lake.read("sizes/clean")["size"].to_pylist() == [1.0, None, None]
