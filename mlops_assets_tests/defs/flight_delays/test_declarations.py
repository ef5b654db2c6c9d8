"""The declarations: they bind, nothing of them is known too late, and the features of a real month are sound."""

from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from mlops_assets import keys
from mlops_assets.defs.flight_delays import features, source
from mlops_assets.rooms.features.table import compute
from mlops_assets.rooms.validate.batch import validate_batch
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.feature_table import FeatureTable
from mlops_assets.spec.model import Model
from mlops_assets.spec.place import Place
from mlops_assets.spec.plan import DatasetPlan, FeaturePlan, ModelPlan
from mlops_assets.stores.delta import DeltaLake
from mlops_assets.testing import assert_sound
from mlops_assets_tests import samples

FOLDER = Path(source.__file__).parent
PLACE = Place(FOLDER, "mlops_assets.defs.flight_delays", str(FOLDER / "defs.yaml"))


@cache
def declared(kind: str) -> list[dict[str, Any]]:
    documents = yaml.safe_load_all((FOLDER / "defs.yaml").read_text())
    return [document["attributes"] for document in documents if document["type"] == f"mlops_assets.{kind}"]


@pytest.fixture
def datasets() -> dict[str, Dataset]:
    return {attributes["name"]: Dataset(**attributes) for attributes in declared("Dataset")}


@pytest.fixture
def plan(datasets: dict[str, Dataset]) -> FeaturePlan:
    [attributes] = declared("FeatureTable")
    return FeaturePlan.of(FeatureTable(**attributes), datasets, place=PLACE)


@pytest.mark.parametrize("attributes", declared("Model"), ids=lambda attributes: attributes["name"])
def test_each_model_binds_to_the_same_features(plan: FeaturePlan, attributes: dict[str, Any]) -> None:
    model = ModelPlan.of(Model(**attributes), {"flight_context": plan})
    assert len(model.features) == 25
    assert set(model.model.evaluate.slices) <= set(model.features)
    assert not {"month", "tailnum"} & set(model.features)


def test_everything_declared_says_what_it_is_and_whose(plan: FeaturePlan) -> None:
    for attributes in (*declared("Dataset"), *declared("FeatureTable"), *declared("Model")):
        assert attributes["description"]
        assert all(owner.startswith("team:") for owner in attributes["owners"])


def test_each_contract_is_found_beside_its_declaration(datasets: dict[str, Dataset]) -> None:
    for dataset in datasets.values():
        assert dataset.contract
        assert PLACE.load(dataset.contract).__name__ == dataset.name.capitalize()


def test_the_schedule_is_sound_whatever_it_is_made_of() -> None:
    whole = {name: pa.int64() for name in ("hour", "minute", "sched_arr_time")}
    assert_sound(features.schedule, pa.schema(list(whole.items())))


def test_the_samples_are_where_the_sources_look(datasets: dict[str, Dataset], tmp_path: Path) -> None:
    landed = samples.land(tmp_path / "data" / "landing", ["2013-01"])
    assert sorted(file for d in datasets.values() for file in tmp_path.glob(d.source.landing(d.name))) == sorted(landed)


def test_the_features_of_a_real_month_are_sound(
    datasets: dict[str, Dataset], plan: FeaturePlan, tmp_path: Path
) -> None:
    lake = DeltaLake(tmp_path / "lake")
    for file in samples.land(tmp_path / "landing", ["2013-01", "2013-02"]):
        name, batch = file.parent.name, file.stem
        lake.write(keys.raw_table(name, batch), pq.read_table(file), batch=batch)
        validate_batch(lake, DatasetPlan(datasets[name], PLACE), batch, tmp_path)
    found = compute(lake, plan, "2013-02").to_pandas()
    assert len(found) == 2085
    assert found.scheduled_minutes.between(20, 720).all()
    assert found.weekday.between(1, 7).all()
    assert found[["temp", "late_by_carrier_28d", "late_by_origin_7d"]].notna().mean().min() > 0.98
    assert found.late_by_carrier_7d.dropna().between(0, 1).all()
    assert 0.5 < found.plane_built.notna().mean() < 0.95
