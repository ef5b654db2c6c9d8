"""A worker of the prediction service whose log writes nothing: what the log costs is measured against it."""

import json
import sys
from collections.abc import Sequence

from mlops_assets.rooms.serve import worker
from mlops_assets.stores.prediction_log import LogWriter


def _nothing(self: LogWriter, records: Sequence[bytes]) -> None:
    """Keep no record."""
    del self, records


if __name__ == "__main__":
    LogWriter.write = _nothing  # type: ignore[method-assign]  # the one thing that differs
    worker.main(**json.loads(sys.argv[1]))
