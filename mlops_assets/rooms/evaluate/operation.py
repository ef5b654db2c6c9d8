"""What a challenger must show as a thing that runs: its speed, its size, its manners, and where it comes from."""

import statistics
import time
import tracemalloc
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from mlops_assets.errors import TrainingError
from mlops_assets.rooms.evaluate.gate import Check, Gate
from mlops_assets.rooms.label.tasks import of_manifest
from mlops_assets.rooms.train.fit import REFERENCE
from mlops_assets.rooms.train.inputs import frame, from_manifest
from mlops_assets.rooms.train.threads import one_thread
from mlops_assets.stores import bundle as bundles

if TYPE_CHECKING:
    import pandas as pd

    from mlops_assets.rooms.evaluate.evidence import Evidence
    from mlops_assets.rooms.train.metric import Floats
    from mlops_assets.stores.registry import Bundle

ASKED: Final = 15
"""Single rows, one after another; the median is taken, as others use the machine as well."""
TOGETHER: Final = 1_000
FAULTY: Final = 100
MB: Final = 1_000_000
FACTORS: Final = (-1.0, 1_000.0, 1e9)
"""By which a number is off when its unit is another, or its sign."""
HASH: Final = 64


def latency(evidence: "Evidence") -> Gate:
    """One row is answered within the declared time, read as the median of a few."""
    bundle, data = _bundle(evidence), _asked(evidence, ASKED)
    task = of_manifest(evidence.challenger.manifest)
    with one_thread():
        task.scores(bundle.pipeline, data[:1])
        figure = 1_000 * statistics.median(_timed(task, bundle, data[place : place + 1]) for place in range(len(data)))
    allowed = evidence.model.evaluate.limits.latency_ms
    return _limited("latency", figure, allowed, f"a row takes {figure:.1f} ms, allowed {allowed:g}")


def memory(evidence: "Evidence") -> Gate:
    """The model is read back and answers a thousand rows within the declared memory."""
    bundle, data = _bundle(evidence), _asked(evidence, TOGETHER)
    task, content = of_manifest(evidence.challenger.manifest), _content(bundle)
    tracemalloc.start()
    try:
        with one_thread():
            task.scores(bundles.loads(content), data)
        figure = tracemalloc.get_traced_memory()[1] / MB
    finally:
        tracemalloc.stop()
    allowed = evidence.model.evaluate.limits.memory_mb
    return _limited("memory", figure, allowed, f"it needs {figure:.1f} MB, allowed {allowed:g}")


def size(evidence: "Evidence") -> Gate:
    """The bundle's files together are no larger than declared."""
    bundle = _bundle(evidence)
    figure = (sum(map(len, bundle.files.values())) + len(_content(bundle))) / MB
    allowed = evidence.model.evaluate.limits.size_mb
    passed = figure <= allowed
    return Gate("size", passed, f"its files take {figure:.2f} MB, allowed {allowed:g}", figure, allowed)


def bounded(evidence: "Evidence") -> Gate:
    """Rows with faults - nothing known, categories never seen, other units - get scores that are still scores.

    Infinite numbers, which neither a clean table nor a question to the service holds, may be refused instead.
    """
    bundle, data = _bundle(evidence), _asked(evidence, FAULTY)
    task, wrong, refused = of_manifest(evidence.challenger.manifest), [], False
    low, high = _range(bundle, task.name)
    for fault, rows in faulty(data, evidence.challenger.manifest):
        scores = _answered(task, bundle, rows)
        if scores is None:
            refused = True
            continue
        said = task.said(scores)
        wild = task.wild(scores) + int(((said < low) | (said > high)).sum())
        wrong += [f"{fault}: {wild} of {len(rows)} scores are out of bounds"] if wild else []
    fine = f"every answer to faulty rows lies within {low:g} and {high:g}"
    fine += ", and numbers that are not finite are refused" if refused else ""
    return Gate("bounded", not wrong, "; ".join(wrong) or fine, float(len(wrong)), 0.0)


def _answered(task: Any, bundle: "Bundle", rows: "pd.DataFrame") -> "Floats | None":
    """The scores; None where an infinite number is refused in so many words, as scikit-learn does."""
    import numpy as np

    try:
        with one_thread(), np.errstate(all="ignore"):
            scores: Floats = task.scores(bundle.pipeline, rows)
            return scores
    except ValueError:
        if np.isinf(rows.select_dtypes("number").to_numpy(dtype=np.float64)).any():
            return None
        raise


def reproducible(evidence: "Evidence") -> Gate:
    """The version says what it was made of: data with fingerprints, code, environment, seed; its bytes are as noted."""
    manifest, bundle = evidence.challenger.manifest, _bundle(evidence)
    lacking = [name for name in ("inputs", "code", "environment", "seed") if manifest.get(name) is None]
    lacking += [f"the fingerprint of {table}" for table, (_, mark) in manifest.get("inputs", {}).items() if not mark]
    if len(bundle.version.tags.get("identity", "")) != HASH:
        lacking.append("the identity of its ingredients")
    if bundle.version.digest != evidence.challenger.digest:
        lacking.append("the digest of its bytes")
    reason = (
        f"it does not tell {', '.join(lacking)}" if lacking else "data, code, environment, seed and bytes are noted"
    )
    return Gate("reproducible", not lacking, reason, float(len(lacking)), 0.0)


OPERATION: Final[Mapping[str, Check]] = {
    "latency": latency,
    "memory": memory,
    "size": size,
    "bounded": bounded,
    "reproducible": reproducible,
}


def faulty(data: "pd.DataFrame", manifest: Mapping[str, Any]) -> "Iterator[tuple[str, pd.DataFrame]]":
    """Rows as they come when something upstream is broken, a fault each."""
    import numpy as np

    features = from_manifest(manifest)
    numbers = [feature.name for feature in features if feature.kind == "number"]
    words = [feature.name for feature in features if feature.kind == "category"]
    yield "nothing is known", data.assign(**dict.fromkeys(numbers, np.nan), **dict.fromkeys(words, None))
    yield "categories never seen", data.assign(**dict.fromkeys(words, "\N{REPLACEMENT CHARACTER} never seen"))
    for endless in (np.inf, -np.inf):
        yield f"numbers of {endless}", data.assign(**dict.fromkeys(numbers, endless))
    for factor in FACTORS:
        yield f"numbers times {factor:g}", data.assign(**{name: data[name] * factor for name in numbers})


def _content(bundle: "Bundle") -> bytes:
    """The model as it is kept; written anew only where its bytes are not at hand."""
    return bundle.model or bundles.dumps(bundle.pipeline)


def _bundle(evidence: "Evidence") -> "Bundle":
    if evidence.challenger.bundle is None:
        raise TrainingError.of(f"the bundle of version {evidence.challenger.number} is not at hand")
    return evidence.challenger.bundle


def _asked(evidence: "Evidence", rows: int) -> "pd.DataFrame":
    return frame(evidence.holdout.rows.slice(0, rows), from_manifest(evidence.challenger.manifest))


def _timed(task: Any, bundle: "Bundle", row: "pd.DataFrame") -> float:
    begun = time.perf_counter()
    task.scores(bundle.pipeline, row)
    return time.perf_counter() - begun


def _range(bundle: "Bundle", task: str) -> tuple[float, float]:
    """What a score may be: a probability; or a value within the trained ones, and half of their range beyond."""
    if task != "regression":
        return 0.0, 1.0
    import pyarrow as pa
    import pyarrow.parquet as pq

    labels: Floats = pq.read_table(pa.BufferReader(bundle.files[REFERENCE]), columns=["label"])["label"].to_numpy()
    room = float(labels.max() - labels.min()) / 2
    return float(labels.min()) - room, float(labels.max()) + room


def _limited(name: str, figure: float, allowed: float, reason: str) -> Gate:
    """A gate whose figure is measured anew each time, so that it is no part of what a verdict's digest covers."""
    return Gate(name, figure <= allowed, reason, figure, allowed, measured=True)
