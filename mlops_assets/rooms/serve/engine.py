"""What answers: ONNX Runtime over one float32 matrix, or scikit-learn where ONNX is not exact."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, Protocol

from mlops_assets.errors import Damaged
from mlops_assets.rooms.serve.question import Row
from mlops_assets.stores.serving_bundles import ServingBundle

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TOLERANCE: Final = 1e-4
ONNX: Final = "model.onnx"
SKOPS: Final = "model.skops"


class Engine(Protocol):
    """Scores rows."""

    def scores(self, rows: Sequence[Row]) -> "NDArray[np.float64]":
        """A row of scores a row: one number, or a class's probability each."""


def engine(bundle: ServingBundle) -> Engine:
    """The engine that the manifest names; the bundle's digest was checked before.

    Raises:
        Damaged: the manifest names no engine that there is.
    """
    kinds: Mapping[str, Any] = {"onnx": Onnx, "sklearn": Sklearn}
    named = str(bundle.manifest.get("engine"))
    if named not in kinds:
        raise Damaged.of(f"a bundle of '{bundle.model}' names no engine", got=named, allowed=", ".join(kinds))
    made: Engine = kinds[named](bundle)
    return made


def check_golden(bundle: ServingBundle, made: Engine) -> None:
    """Ask the rows whose answers are known.

    Raises:
        Damaged: an answer is not what scikit-learn said when the model was released.
    """
    import numpy as np

    golden = bundle.manifest["golden"]
    names = [entry["name"] for entry in bundle.manifest["schema"]]
    rows = [tuple(row["inputs"][name] for name in names) for row in golden]
    wanted = np.array([row["scores"] for row in golden], np.float64)
    classifies = bundle.manifest["task"] != "regression"
    spread = 1.0 if classifies else max(float(np.abs(wanted).max()), 1e-12)
    away = float(np.abs(made.scores(rows) - wanted).max()) / spread
    if not away <= TOLERANCE:  # NaN is no agreement either
        what = f"a bundle of '{bundle.model}' answers its golden rows otherwise than when it was released"
        raise Damaged.of(what, got=f"{away:.3g} away", allowed=f"{TOLERANCE:g}", step="release the model again")


class Codes(dict[str | None, float]):
    """A category's number, also of one that is missing or that training never saw."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        """Read the manifest's table."""
        super().__init__({**table["known"], None: table["missing"]})
        self._unknown: float = table["unknown"]

    def __missing__(self, _: str | None) -> float:
        return self._unknown


class Onnx:
    """ONNX Runtime, one thread; the categories become numbers by the manifest's tables."""

    def __init__(self, bundle: ServingBundle) -> None:
        """Load the model from its bytes."""
        from mlops_assets.rooms.release.onnx import INPUT, session

        names = [entry["name"] for entry in bundle.manifest["schema"]]
        encoding = bundle.manifest["encoding"]
        self._places = [names.index(name) for name in encoding["columns"]]
        self._whole = self._places == list(range(len(names)))
        codes = encoding["codes"]
        columns = [(place, name) for place, name in enumerate(encoding["columns"]) if name in codes]
        self._codes = [(place, Codes(codes[name]).__getitem__) for place, name in columns]
        running = session(bundle.files[ONNX])
        self._run, self._input = running.run, INPUT
        self._output = [running.get_outputs()[-1].name]

    def scores(self, rows: Sequence[Row]) -> "NDArray[np.float64]":
        """A row of scores a row."""
        import numpy as np

        width = len(self._places)
        fed = rows if self._whole else [[row[place] for place in self._places] for row in rows]
        values = list(chain.from_iterable(fed))
        for place, code in self._codes:
            values[place::width] = map(code, values[place::width])
        matrix = np.fromiter(values, np.float32, len(values)).reshape(len(rows), width)
        said: NDArray[np.float64] = self._run(self._output, {self._input: matrix})[0]
        return said.reshape(len(rows), -1)


class Sklearn:
    """The pipeline itself, read through skops with our own list of trusted types."""

    def __init__(self, bundle: ServingBundle) -> None:
        """Read the pipeline."""
        from mlops_assets.rooms.train.inputs import Feature
        from mlops_assets.stores.bundle import loads

        self._features = [Feature(entry["name"], entry["kind"]) for entry in bundle.manifest["schema"]]
        self._pipeline = loads(bundle.files[SKOPS])

    def scores(self, rows: Sequence[Row]) -> "NDArray[np.float64]":
        """A row of scores a row."""
        import pandas as pd

        from mlops_assets.rooms.release.onnx import expected

        columns = zip(*rows, strict=True)
        kinds = {"number": "float64", "category": "object"}
        series = {
            feature.name: pd.Series(list(column), dtype=kinds[feature.kind])
            for feature, column in zip(self._features, columns, strict=True)
        }
        return expected(self._pipeline, pd.DataFrame(series))
