"""The arrival sensor takes a batch the whole way once, whatever else was made of it by hand."""

from pathlib import Path

import dagster as dg

from mlops_assets import keys
from mlops_assets.cli.tick import evaluate
from mlops_assets.resources.declaration import batches
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.ingest import sensors
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.plan import DatasetPlan
from mlops_assets.spec.source import Source

PLAN = DatasetPlan(Dataset(name="trips", source=Source(files="trips/*.csv")))


@dg.op
def way() -> None:
    """Stands for all that an arrival makes."""


@dg.job(name=keys.arrival_job("trips"), executor_def=dg.in_process_executor, partitions_def=batches("trips"))
def arrival() -> None:
    way()


def test_a_batch_that_was_materialized_by_hand_goes_the_whole_way_all_the_same_and_once(tmp_path: Path) -> None:
    (tmp_path / "trips").mkdir()
    (tmp_path / "trips" / "may.csv").write_text("trip\n1\n")
    (sensor,) = sensors.build(PLAN)
    defs = dg.Definitions(jobs=[arrival], sensors=[sensor], resources={"stores": Stores(home=str(tmp_path))})
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        instance.add_dynamic_partitions(keys.partitions("trips"), ["may"])
        assert arrival.execute_in_process(instance=instance, partition_key="may").success
        instance.report_run_failed(instance.create_run_for_job(arrival, tags={"dagster/partition": "may"}), "killed")
        (asked,) = evaluate(sensor, instance, defs).run_requests or []
        assert asked.partition_key == "may"
        run = instance.create_run_for_job(arrival, tags=asked.tags)
        assert evaluate(sensor, instance, defs).skip_message == "may is on its way"
        instance.report_run_failed(run, "killed")
        (again,) = evaluate(sensor, instance, defs).run_requests or []
        assert again.run_key != asked.run_key
        assert arrival.execute_in_process(instance=instance, partition_key="may", tags=again.tags).success
        assert evaluate(sensor, instance, defs).skip_message == "nothing new: 1 batches are settled"
