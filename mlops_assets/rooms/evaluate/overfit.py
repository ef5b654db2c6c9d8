"""Whether a model has learnt its rows by heart instead of what they have in common."""

from typing import TYPE_CHECKING, Final

from mlops_assets.rooms.label.tasks import of_manifest
from mlops_assets.rooms.train.fit import REFERENCE
from mlops_assets.rooms.train.inputs import frame, from_manifest
from mlops_assets.rooms.train.threads import one_thread

if TYPE_CHECKING:
    from mlops_assets.rooms.evaluate.evidence import Evidence

ROWS: Final = 2_000
TELLING: Final = 0.25


def learnt_by_heart(evidence: "Evidence") -> str:
    """What to add to a refusal: how much better it is on the rows that it was trained on; empty when it is not much.

    The figure is the skill against the rows' own average, on at most 2,000 rows of its reference and held out.
    """
    bundle = evidence.challenger.bundle
    if bundle is None or REFERENCE not in bundle.files:
        return ""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = pq.read_table(pa.BufferReader(bundle.files[REFERENCE]))
    rows = rows.take(pa.array(range(0, rows.num_rows, max(1, rows.num_rows // ROWS))))
    task, known = of_manifest(evidence.challenger.manifest), evidence.metrics[evidence.task.skill]
    with one_thread():
        scores = task.scores(bundle.pipeline, frame(rows, from_manifest(evidence.challenger.manifest)))
    seen = known(task.outcomes(rows["label"]), scores)
    unseen = known(evidence.labels, evidence.challenger.scores)
    if seen - unseen < TELLING:
        return ""
    return f"; it has learnt its rows by heart: skill {seen:.2f} on rows it was trained on, {unseen:.2f} on others"
