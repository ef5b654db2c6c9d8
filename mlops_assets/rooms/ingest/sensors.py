"""The arrival sensor: a landed file becomes one run that goes the whole way; and what fetches rows to land them."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import dagster as dg

from mlops_assets import keys
from mlops_assets.resources import runs
from mlops_assets.resources.declaration import batches
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.ingest.landing import Arrival, arrivals, refusals, signature
from mlops_assets.rooms.ingest.pull import pull
from mlops_assets.rooms.ingest.queue import State, Ticket, turn
from mlops_assets.spec.base import duration_text
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.plan import DatasetPlan

DATASET = "mlops/dataset"
BATCH = "mlops/batch"
ARRIVAL = "mlops/arrival"

Settled = dict[str, str]
"""Batch (as dataset/batch) to the signature of the file with which it was settled."""


def build(plan: DatasetPlan, waits_for: Sequence[Dataset] = ()) -> list[dg.SensorDefinition]:
    """The sensor of one dataset; it lets the datasets that it `waits_for` go first."""
    dataset = plan.dataset

    @dg.sensor(
        name=f"{dataset.name}_arrivals",
        job_name=keys.arrival_job(dataset.name),
        minimum_interval_seconds=5,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"A file that lands for {dataset.name} goes the whole way in one run.",
    )
    def sensor(context: dg.SensorEvaluationContext, stores: Stores) -> dg.SensorResult:
        settled: Settled = json.loads(context.cursor) if context.cursor else {}
        landed = Landed(context.instance, stores, settled)
        upstream = [name for other in waits_for for name in landed.unsettled(other)]
        found = arrivals(dataset, stores.settings().home)
        refused = "; ".join(f"refused: {problem}" for problem in refusals(dataset, stores.settings().home))
        choice = turn([Ticket(a.batch, landed.state(dataset, a)) for a in found], upstream)
        cursor = json.dumps(settled, sort_keys=True)
        if choice.batch is None:
            reason = f"{choice.reason}; {refused}" if refused else choice.reason
            return dg.SensorResult(skip_reason=reason, cursor=cursor)
        if refused:
            context.log.warning(refused)
        arrival = next(a for a in found if a.batch == choice.batch)
        return dg.SensorResult(
            run_requests=[landed.request(dataset, arrival)],
            dynamic_partitions_requests=[batches(dataset.name).build_add_request([arrival.batch])],
            cursor=cursor,
        )

    return [sensor]


def pulls(plan: DatasetPlan) -> tuple[list[dg.JobDefinition], list[dg.SensorDefinition]]:
    """The job that fetches a dataset's new rows and the sensor that asks for it; none where they come by themselves."""
    dataset = plan.dataset
    if not dataset.source.pulled:
        return [], []
    name, every = keys.pull_job(dataset.name), dataset.source.every

    @dg.op(name=f"{name}_rows", description=f"Fetch what is new of {dataset.name}, and land it.")
    def fetched(context: dg.OpExecutionContext, stores: Stores) -> None:
        found = pull(plan, stores.settings().home)
        context.log.info(found.said)
        context.add_output_metadata({"fetched": found.fetched, "landed": found.batches})

    @dg.job(name=name, description=f"Fetches what is new of {dataset.name}; its arrival is then a run of its own.")
    def job() -> None:
        fetched()

    @dg.sensor(
        name=f"{dataset.name}_pulls",
        job_name=name,
        minimum_interval_seconds=10,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Asks for the new rows of {dataset.name} every {duration_text(every)}.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        last = next(iter(context.instance.get_run_records(dg.RunsFilter(job_name=name), limit=1)), None)
        if last and not last.dagster_run.is_finished:
            return dg.SensorResult(skip_reason="a pull is on its way")
        if last and (due := last.create_timestamp + every) > datetime.now(UTC):
            return dg.SensorResult(skip_reason=f"the next pull is due at {due.isoformat(timespec='seconds')}")
        after = last.dagster_run.run_id if last else "none"
        return dg.SensorResult(run_requests=[dg.RunRequest(run_key=f"{name}:{after}")])

    return [job], [sensor]


class Landed:
    """What is known of the files that have landed, from the runs that took them."""

    def __init__(self, instance: dg.DagsterInstance, stores: Stores, settled: Settled) -> None:
        """Look in `settled` first; it is filled on the way."""
        self.instance = instance
        self.stores = stores
        self.settled = settled

    def state(self, dataset: Dataset, arrival: Arrival) -> State:
        """Of one arrival; a file that has changed since it was settled is a new one."""
        name, mark = f"{dataset.name}/{arrival.batch}", signature(arrival.path)
        if self.settled.get(name) == mark:
            return State.SETTLED
        found = runs.find(self.instance, self.tags(dataset, arrival))
        if found.settled:
            self.settled[name] = mark
            return State.SETTLED
        return State.ON_ITS_WAY if found.fate is runs.Fate.ACTIVE else State.WAITING

    def unsettled(self, dataset: Dataset) -> Iterator[str]:
        """The arrivals of a dataset that have not gone their way yet, as dataset/batch."""
        for arrival in arrivals(dataset, self.stores.settings().home):
            if self.state(dataset, arrival) is not State.SETTLED:
                yield f"{dataset.name}/{arrival.batch}"

    def begun(self, dataset: Dataset) -> Iterator[str]:
        """The arrivals of a dataset whose way has begun and not ended, interrupted ones among them."""
        for arrival in arrivals(dataset, self.stores.settings().home):
            if self.state(dataset, arrival) is State.SETTLED:
                continue
            if runs.find(self.instance, self.tags(dataset, arrival)).fate is not runs.Fate.NONE:
                yield f"{dataset.name}/{arrival.batch}"

    def request(self, dataset: Dataset, arrival: Arrival) -> dg.RunRequest:
        """The run that takes an arrival the whole way."""
        tags = self.tags(dataset, arrival)
        attempt = runs.find(self.instance, tags).attempt + 1
        return dg.RunRequest(
            run_key=f"{dataset.name}:{arrival.batch}:{tags[ARRIVAL]}:{attempt}",
            partition_key=arrival.batch,
            tags={**tags, runs.ATTEMPT: str(attempt)},
        )

    @staticmethod
    def tags(dataset: Dataset, arrival: Arrival) -> dict[str, str]:
        """By which the run of an arrival is found again."""
        return {DATASET: dataset.name, BATCH: arrival.batch, ARRIVAL: arrival.fingerprint[:16]}
