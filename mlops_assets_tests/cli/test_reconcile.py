"""After everything was killed, no run is taken for one that still goes on."""

import os
from collections.abc import Iterator

import dagster as dg
import psutil
import pytest
from dagster import DagsterRunStatus
from dagster._core.events import DagsterEvent, EngineEventData

from mlops_assets.cli.reconcile import reconcile


@dg.op
def fine() -> None:
    """Do nothing."""


@dg.job(executor_def=dg.in_process_executor)
def good() -> None:
    fine()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as found:
        yield found


def started_by(instance: dg.DagsterInstance, pid: int) -> str:
    run = instance.create_run_for_job(good, status=DagsterRunStatus.STARTED)
    instance.report_engine_event("executing", run, EngineEventData.in_process(pid), cls=DagsterEvent)
    return run.run_id


def status(instance: dg.DagsterInstance, run_id: str) -> DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


def free_pid() -> int:
    return next(pid for pid in range(100_000, 4_000_000) if not psutil.pid_exists(pid))


def test_a_run_whose_process_is_gone_is_said_to_have_failed(instance: dg.DagsterInstance) -> None:
    run_id = started_by(instance, free_pid())
    assert reconcile(instance) == [run_id]
    assert status(instance, run_id) is DagsterRunStatus.FAILURE


def test_a_run_whose_process_lives_is_left_alone(instance: dg.DagsterInstance) -> None:
    run_id = started_by(instance, os.getppid())
    assert reconcile(instance) == []
    assert status(instance, run_id) is DagsterRunStatus.STARTED


def test_a_run_that_never_started_is_said_to_have_failed(instance: dg.DagsterInstance) -> None:
    run = instance.create_run_for_job(good, status=DagsterRunStatus.STARTING)
    assert reconcile(instance) == [run.run_id]


def test_a_run_that_has_ended_is_left_alone(instance: dg.DagsterInstance) -> None:
    result = good.execute_in_process(instance=instance)
    assert reconcile(instance) == []
    assert status(instance, result.run_id) is DagsterRunStatus.SUCCESS
