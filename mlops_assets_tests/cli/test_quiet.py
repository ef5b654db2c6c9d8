from collections.abc import Iterator

import dagster as dg
import pytest
from dagster import DagsterRunStatus
from dagster._core.test_utils import create_run_for_test

from mlops_assets.cli.quiet import Quiet


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as found:
        yield found


def watched(instance: dg.DagsterInstance, sensors: list[dg.SensorDefinition]) -> Quiet:
    @dg.job
    def work() -> None:
        """Nothing."""

    definitions = dg.Definitions(jobs=[work], sensors=sensors)
    return Quiet(instance, definitions, doing=lambda job, partition: None, poll_seconds=0)


def test_it_is_quiet_when_nothing_runs_and_nothing_is_wanted(instance: dg.DagsterInstance) -> None:
    asked: list[int] = []

    @dg.sensor(job_name="work")
    def content() -> dg.SkipReason:
        asked.append(1)
        return dg.SkipReason("nothing")

    watched(instance, [content]).wait()
    assert len(asked) == 1


def test_it_waits_while_a_sensor_wants_a_run(instance: dg.DagsterInstance) -> None:
    asked: list[int] = []

    @dg.sensor(job_name="work")
    def eager() -> dg.RunRequest | dg.SkipReason:
        asked.append(1)
        return dg.RunRequest() if len(asked) < 3 else dg.SkipReason("enough")

    watched(instance, [eager]).wait()
    assert len(asked) == 3


def test_a_run_that_comes_and_goes_while_the_sensors_are_asked_is_not_overlooked(instance: dg.DagsterInstance) -> None:
    asked: list[int] = []

    @dg.sensor(job_name="work")
    def waiting() -> dg.SkipReason:
        if not asked:  # what the daemon does meanwhile: this sensor would wait for that run, and ask for one after it
            create_run_for_test(instance, job_name="work", status=DagsterRunStatus.SUCCESS)
        asked.append(1)
        return dg.SkipReason("waits for a run that is on its way")

    watched(instance, [waiting]).wait()
    assert len(asked) == 2
