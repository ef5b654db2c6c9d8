"""What the page on contracts says of a table of one's own happens to scikit-learn's."""

import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml

from mlops_assets.rooms.explore.measure import of_table
from mlops_assets.rooms.explore.whole import standard
from mlops_assets.rooms.validate.batch import validate_batch
from mlops_assets.rooms.validate.contract import Contract
from mlops_assets.rooms.validate.frozen import place_of
from mlops_assets.rooms.validate.split import split
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.plan import DatasetPlan
from mlops_assets.stores.delta import DeltaLake

PAGE = (Path(__file__).parents[2] / "docs" / "contracts.md").read_text()
BLOCKS = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)]
OWN, COLUMNS = BLOCKS[0], BLOCKS[1]


def table(name: str) -> pa.Table:
    from sklearn import datasets

    frame: Any = getattr(datasets, f"load_{name}")(as_frame=True).frame
    return pa.Table.from_pandas(frame, preserve_index=False)


def plan(name: str) -> DatasetPlan:
    declared = {key: value for key, value in OWN["attributes"].items() if name == "diabetes" or key != "groups"}
    return DatasetPlan(Dataset.model_validate({**declared, "name": name}))


def test_the_declaration_has_ten_lines() -> None:
    assert OWN["type"] == "mlops_assets.Dataset"
    assert len(next(re.finditer(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL))[1].splitlines()) == 10


@pytest.mark.parametrize("name", ["wine", "diabetes"])
def test_the_ten_lines_take_the_table_and_infer_what_the_page_shows(name: str, tmp_path: Path) -> None:
    lake, rows = DeltaLake(tmp_path / "data/lake"), table(name)
    lake.write(f"{name}/raw/{name}", rows, batch=name)
    found = validate_batch(lake, plan(name), name, tmp_path)
    assert f"| {name} | {found.rows_in} | {found.clean} | {found.quarantined} | inferred, {rows.num_columns} " in PAGE
    written = place_of(plan(name), tmp_path).read_text()
    [shown] = re.findall(r"```\n(# What diabetes.*?)```", PAGE, flags=re.DOTALL)
    assert name == "wine" or set(shown.splitlines()) <= set(written.splitlines())
    assert "<h2>What foretells the target alone</h2>" in standard(plan(name), rows, of_table(rows))


def test_the_checks_that_the_page_adds_quarantine_what_it_shows() -> None:
    rows = table("diabetes")
    names = rows.column_names
    for column, cells in (("age", {0: 9.0, 1: 9.0}), ("s1", dict.fromkeys((0, 1), 0.0)), ("s2", {0: 0.0, 1: 1.0})):
        values = rows.column(column).to_pylist()
        for place, value in cells.items():
            values[place] = value
        rows = rows.set_column(names.index(column), column, pa.array(values))
    others = [{"name": name, "type": "DOUBLE"} for name in names if name not in ("age", "s1")]
    found = split(rows, Contract.from_dict({"columns": [*COLUMNS, *others]}), plan("diabetes").dataset, "one")
    assert f"{found.rows_in} in; {found.clean_rows} clean, {found.quarantined} quarantined, 0 merged" in PAGE
    assert ", ".join(found.quarantine.to_pylist()[0]["reasons"]) in PAGE
