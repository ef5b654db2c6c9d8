"""ONNX behind its gate: a model is served by ONNX Runtime only where it says what scikit-learn says.

Several exports are accepted and silently wrong, so nothing is believed: more than 5,000 rows, with missing values,
unknown categories and extremes among them, are scored by both, and one flip at the threshold is enough to refuse.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from mlops_assets.rooms.release.encoding import Encoded, encoded
from mlops_assets.rooms.train.inputs import Feature

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray
    from sklearn.pipeline import Pipeline

INPUT: Final = "features"
OPSET: Final = {"": 18, "ai.onnx.ml": 3}
ROWS: Final = 5_000
TOLERANCE: Final = 1e-4
SHARE: Final = 0.999
_EXTREMES: Final = (0.0, -1.0, 1e6, -1e6, 1e30, -1e30)


@dataclass(frozen=True)
class Parity:
    """How near ONNX Runtime comes to scikit-learn.

    Attributes:
        exact: whether it may serve.
        reason: why, or why not, in words.
        rows: that both have scored.
        within: the share of them that differ by at most 1e-4 (of a regression: relative to the score's spread).
        worst: the largest difference.
        flips: rows whose answer differs.
    """

    exact: bool
    reason: str
    rows: int = 0
    within: float = 0.0
    worst: float = 0.0
    flips: int = 0

    def body(self) -> dict[str, Any]:
        """As the manifest keeps it."""
        return asdict(self)


@dataclass(frozen=True)
class Export:
    """What became of an export.

    Attributes:
        parity: the gate's report.
        model: the ONNX bytes; None when it may not serve.
        encoded: the tables that go before it; None when it may not serve.
    """

    parity: Parity
    model: bytes | None = None
    encoded: Encoded | None = None


def export(
    pipeline: "Pipeline", features: Sequence[Feature], rows: "pd.DataFrame", *, threshold: float | None
) -> Export:
    """Convert a fitted pipeline and hold it to the gate.

    Args:
        pipeline: classifier or regressor, fitted.
        features: the model's input.
        rows: of its training, as the model is fed; they are multiplied until there are 5,000.
        threshold: of a yes; None where the answer is no yes or no.
    """
    found = encoded(pipeline, features)
    if isinstance(found, str):
        return Export(Parity(exact=False, reason=found))
    try:
        model = _converted(found)
    except Exception as error:  # noqa: BLE001 - a converter raises anything; what it says is kept, scikit-learn serves
        return Export(Parity(exact=False, reason=f"no conversion: {type(error).__name__}: {str(error)[:200]}"))
    asked = trial(rows, features)
    with_onnx = scores(session(model), found.matrix(asked))
    parity = _compared(expected(pipeline, asked), with_onnx, threshold)
    return Export(parity, model, found) if parity.exact else Export(parity)


def trial(rows: "pd.DataFrame", features: Sequence[Feature]) -> "pd.DataFrame":
    """At least 5,000 rows: the given ones, and copies with missing values, unknown categories and extremes."""
    import numpy as np
    import pandas as pd

    draw = np.random.default_rng(0)
    given = rows.astype({feature.name: "float64" for feature in features if feature.kind == "number"})
    parts, count = [given.iloc[: 4 * ROWS]], min(len(rows), 4 * ROWS)
    while count < ROWS or len(parts) < 3:  # noqa: PLR2004 - the rows as they are, and disturbed twice
        copy = given.iloc[draw.integers(0, len(rows), max(1_000, min(len(rows), ROWS // 2)))].reset_index(drop=True)
        for feature in features:
            hit = draw.random(len(copy)) < 0.1  # noqa: PLR2004 - a tenth of each column
            copy.loc[hit, feature.name] = _odd(feature, draw, int(hit.sum()))
        parts.append(copy)
        count += len(copy)
    return pd.concat(parts, ignore_index=True)[[feature.name for feature in features]]


def session(model: bytes) -> Any:
    """An ONNX Runtime session of one thread that never spins; from bytes, so that nothing outside them is read.

    Raises:
        Damaged: the model uses external data, functions of its own, or operators of a domain that is not ONNX's.
    """
    import onnx
    import onnxruntime

    from mlops_assets.errors import Damaged

    graph = onnx.load_from_string(model)
    domains = {each.domain for each in graph.opset_import} | {node.domain for node in graph.graph.node}
    outside = [each.name for each in graph.graph.initializer if each.data_location == onnx.TensorProto.EXTERNAL]
    if outside or graph.functions or not domains <= {"", "ai.onnx", "ai.onnx.ml"}:
        raise Damaged.of("an ONNX model that reaches outside of itself", got=sorted(domains), allowed="'', ai.onnx.ml")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def scores(running: Any, matrix: "NDArray[np.float32]") -> "NDArray[np.float64]":
    """A row of scores a row: one number, or a class's probability each."""
    import numpy as np

    found = running.run([running.get_outputs()[-1].name], {INPUT: matrix})[0]
    return np.asarray(found, np.float64).reshape(len(matrix), -1)


def expected(pipeline: "Pipeline", rows: "pd.DataFrame") -> "NDArray[np.float64]":
    """What scikit-learn says: a row of scores a row."""
    import numpy as np

    from mlops_assets.rooms.train.threads import one_thread

    with one_thread():
        said = pipeline.predict_proba(rows) if hasattr(pipeline, "predict_proba") else pipeline.predict(rows)
    return np.asarray(said, np.float64).reshape(len(rows), -1)


def _constant(pipeline: "Pipeline") -> bytes:
    """A model that says the same of every row: no converter knows it."""
    import numpy as np
    from onnx import TensorProto, checker, helper, numpy_helper

    said = expected(pipeline, np.zeros((1, 1))).astype(np.float32)  # type: ignore[arg-type]  # it looks at no row
    constants: dict[str, NDArray[Any]] = {
        "row": said,
        "first": np.array([0], np.int64),
        "width": np.array([said.shape[1]], np.int64),
    }
    nodes = [
        helper.make_node("Shape", [INPUT], ["shape"]),
        helper.make_node("Gather", ["shape", "first"], ["rows"]),
        helper.make_node("Concat", ["rows", "width"], ["whole"], axis=0),
        helper.make_node("Expand", ["row", "whole"], ["scores"]),
    ]
    given = helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, 0])
    answer = helper.make_tensor_value_info("scores", TensorProto.FLOAT, [None, said.shape[1]])
    held = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "constant", [given], [answer], held)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET[""])], ir_version=9)
    checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


def _converted(found: Encoded) -> bytes:
    if not found.columns:
        return _constant(found.pipeline)
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType
    from sklearn.base import is_classifier

    options = {"zipmap": False} if is_classifier(found.pipeline) else None
    inputs = [(INPUT, FloatTensorType([None, len(found.columns)]))]
    with warnings.catch_warnings():
        # The converter of boosted trees mixes bools into integers; as an error, the warning reads "out of range".
        warnings.simplefilter("ignore", DeprecationWarning)
        made = to_onnx(found.pipeline, initial_types=inputs, options=options, target_opset=dict(OPSET))
    content: bytes = made.SerializeToString()
    return content


def _compared(wanted: "NDArray[np.float64]", given: "NDArray[np.float64]", threshold: float | None) -> Parity:
    import numpy as np

    if wanted.shape != given.shape:
        return Parity(exact=False, reason=f"scores of shape {given.shape[1:]} instead of {wanted.shape[1:]}")
    classifies = threshold is not None or wanted.shape[1] > 1
    spread = 1.0 if classifies else max(float(np.nanstd(wanted)), np.finfo(np.float64).tiny)
    away = np.abs(wanted - given).max(axis=1) / spread
    within, worst = float((away <= TOLERANCE).mean()), float(np.nanmax(away))
    flips = int((_answers(wanted, threshold) != _answers(given, threshold)).sum()) if classifies else 0
    exact = within >= SHARE and not flips and bool(np.isfinite(given).all())
    words = f"{within:.4%} of {len(away):,} rows within {TOLERANCE:g}, the worst {worst:.2g}, {flips} flips"
    return Parity(exact, words, len(away), within, worst if np.isfinite(worst) else -1.0, flips)


def _answers(said: "NDArray[np.float64]", threshold: float | None) -> "NDArray[np.int64]":
    import numpy as np

    if threshold is not None and said.shape[1] == 2:  # noqa: PLR2004 - no and yes
        return (said[:, 1] >= threshold).astype(np.int64)
    found: NDArray[np.int64] = said.argmax(axis=1)
    return found


def _odd(feature: Feature, draw: "np.random.Generator", count: int) -> Any:
    import numpy as np

    if feature.kind == "category":
        return draw.choice(np.array([None, "never seen", "", "ÄÖ 漢"], dtype=object), count)
    return draw.choice(np.array([np.nan, *_EXTREMES]), count)


def tables(found: Encoded) -> Mapping[str, Any]:
    """The encoding as the manifest keeps it."""
    return {"columns": list(found.columns), "codes": {name: asdict(table) for name, table in found.codes.items()}}
