"""A request's fate is read from its runs: done, refused by a step, or interrupted with its process."""

from collections.abc import Iterator

import dagster as dg
import pytest

from mlops_assets.resources import runs
from mlops_assets.resources.runs import Fate

TAGS = {"mlops/arrival": "abc"}


@dg.op
def fine() -> None:
    """Do nothing."""


@dg.op
def broken() -> None:
    raise ValueError("broken")


@dg.job(executor_def=dg.in_process_executor)
def good() -> None:
    fine()


@dg.job(executor_def=dg.in_process_executor)
def bad() -> None:
    broken()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as found:
        yield found


def test_what_was_never_asked_for_has_no_run(instance: dg.DagsterInstance) -> None:
    assert runs.find(instance, TAGS).fate is Fate.NONE


def test_a_run_that_succeeded_is_done(instance: dg.DagsterInstance) -> None:
    good.execute_in_process(instance=instance, tags=TAGS)
    found = runs.find(instance, TAGS)
    assert found.fate is Fate.DONE
    assert found.settled


def test_a_run_with_a_failed_step_is_refused(instance: dg.DagsterInstance) -> None:
    bad.execute_in_process(instance=instance, tags=TAGS, raise_on_error=False)
    found = runs.find(instance, TAGS)
    assert found.fate is Fate.REFUSED
    assert found.settled


def test_a_run_that_failed_without_a_step_was_interrupted(instance: dg.DagsterInstance) -> None:
    run = instance.create_run_for_job(good, tags=TAGS)
    instance.report_run_failed(run, "gone")
    found = runs.find(instance, TAGS)
    assert found.fate is Fate.INTERRUPTED
    assert not found.settled


def test_a_run_that_was_interrupted_too_often_is_refused(instance: dg.DagsterInstance) -> None:
    run = instance.create_run_for_job(good, tags={**TAGS, runs.ATTEMPT: str(runs.MAX_ATTEMPTS)})
    instance.report_run_failed(run, "gone")
    assert runs.find(instance, TAGS).fate is Fate.REFUSED


def test_a_run_that_has_not_ended_is_active(instance: dg.DagsterInstance) -> None:
    instance.create_run_for_job(good, tags=TAGS)
    assert runs.find(instance, TAGS).fate is Fate.ACTIVE


def test_the_newest_run_counts(instance: dg.DagsterInstance) -> None:
    instance.report_run_failed(instance.create_run_for_job(good, tags=TAGS), "gone")
    good.execute_in_process(instance=instance, tags={**TAGS, runs.ATTEMPT: "2"})
    found = runs.find(instance, TAGS)
    assert (found.fate, found.attempt) == (Fate.DONE, 2)
