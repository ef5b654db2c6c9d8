"""Runs a job that a person asked for in this process, so that the UI shows it as it shows every other run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlops_assets.errors import MlopsError, UnknownName


def run(home: Path | None, model: str, job: str, op: str, config: Mapping[str, Any]) -> None:
    """Run a model's job.

    Args:
        home: the folder that holds `data/`.
        model: whose job.
        job: its name.
        op: the one op in it.
        config: of the op.

    Raises:
        UnknownName: no such model.
        MlopsError: what the job refused.
    """
    from mlops_assets.cli.home import prepare, unlogged
    from mlops_assets.cli.nouns import nouns
    from mlops_assets.definitions import definitions

    settings, declared = prepare(home), definitions()
    known = nouns(declared).models
    if model not in known:
        raise UnknownName.among("model", model, known)
    given = {"ops": {op: {"config": dict(config)}}, "loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    with unlogged(settings) as instance:
        result = declared.resolve_job_def(job).execute_in_process(
            instance=instance, run_config=given, raise_on_error=False
        )
    if result.success:
        return
    failed = [event for event in result.all_events if event.is_step_failure]
    error = failed[0].step_failure_data.error if failed else None
    cause = error.cause if error and error.cause else error
    raise MlopsError.of(_line(cause.message) if cause else f"run {result.run_id} failed")


def _line(message: str) -> str:
    """Dagster's message without the class in front."""
    return message.strip().partition(": ")[2] or message.strip()
