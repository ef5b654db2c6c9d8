"""Runs whose process is gone are said to have failed, so that their sensors ask for them again."""

import os
from datetime import datetime

import dagster as dg
from dagster import DagsterEventType, DagsterRunStatus

UNFINISHED = (
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
)


def reconcile(instance: dg.DagsterInstance) -> list[str]:
    """End the runs that no process works on any more; the caller holds the home's lock.

    Returns:
        The ids of the runs that were ended.
    """
    ended = []
    for record in instance.get_run_records(filters=dg.RunsFilter(statuses=list(UNFINISHED))):
        run = record.dagster_run
        if any(_alive(pid, record.create_timestamp) for pid in _workers(instance, run.run_id)):
            continue
        instance.report_run_failed(run, message="Interrupted: the process that ran it is gone.")
        ended.append(run.run_id)
    return ended


def _workers(instance: dg.DagsterInstance, run_id: str) -> list[int]:
    records = instance.get_records_for_run(run_id, of_type=DagsterEventType.ENGINE_EVENT).records
    pids = []
    for record in records:
        event = record.event_log_entry.dagster_event
        pid = event.engine_event_data.metadata.get("pid") if event else None
        if pid is not None:
            pids.append(int(str(pid.value)))
    return pids


def _alive(pid: int, since: datetime) -> bool:
    """Whether the process lives and is not a later one that was given the same number."""
    import psutil

    try:
        started = psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return False
    return pid != os.getpid() and started <= since.timestamp() + 60
