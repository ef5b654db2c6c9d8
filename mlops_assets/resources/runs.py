"""What became of the runs that were asked for: found by their tags, so that no cursor can lose or double one."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import dagster as dg
from dagster import DagsterEventType, DagsterRunStatus

ATTEMPT = "mlops/attempt"
MAX_ATTEMPTS = 5

_DONE = (DagsterRunStatus.SUCCESS,)
_ENDED_BADLY = (DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED)


class Fate(StrEnum):
    """What became of a request."""

    NONE = "never asked for"
    ACTIVE = "on its way"
    DONE = "done"
    REFUSED = "refused"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Found:
    """The newest run of a request.

    Attributes:
        attempt: of that run, from 1; 0 when there is none.
    """

    fate: Fate
    attempt: int = 0
    run_id: str = ""

    @property
    def settled(self) -> bool:
        """Nothing more will come of it by itself."""
        return self.fate in (Fate.DONE, Fate.REFUSED)


def find(instance: dg.DagsterInstance, tags: Mapping[str, str]) -> Found:
    """Tell what became of the request with these tags.

    A run that failed without a failed step was interrupted: its process died. It is asked for again, up to
    `MAX_ATTEMPTS` times; a run in which a step or a check failed is refused until its input changes.
    """
    runs = instance.get_runs(filters=dg.RunsFilter(tags=dict(tags)), limit=1)
    if not runs:
        return Found(Fate.NONE)
    run = runs[0]
    attempt = int(run.tags.get(ATTEMPT, "1"))
    if run.status in _DONE:
        return Found(Fate.DONE, attempt, run.run_id)
    if run.status not in _ENDED_BADLY:
        return Found(Fate.ACTIVE, attempt, run.run_id)
    if run.status is DagsterRunStatus.FAILURE and attempt < MAX_ATTEMPTS and _interrupted(instance, run.run_id):
        return Found(Fate.INTERRUPTED, attempt, run.run_id)
    return Found(Fate.REFUSED, attempt, run.run_id)


def _interrupted(instance: dg.DagsterInstance, run_id: str) -> bool:
    records = instance.get_records_for_run(run_id, of_type=DagsterEventType.STEP_FAILURE).records
    errors = [
        event.step_failure_data.error
        for record in records
        if (event := record.event_log_entry.dagster_event) is not None
    ]
    return all(error is not None and error.cls_name == "DagsterExecutionInterruptedError" for error in errors)
