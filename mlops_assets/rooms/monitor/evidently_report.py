"""Evidently's pictures of a window against its reference, below our own verdict: its column flags decide nothing."""

import os
import re
import warnings
from typing import TYPE_CHECKING, Final

from mlops_assets.errors import StoreError
from mlops_assets.rooms.evaluate.report import STYLE
from mlops_assets.rooms.train.inputs import Feature, frame

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from mlops_assets.rooms.monitor.page import Page
    from mlops_assets.rooms.monitor.reference import Reference

ROWS: Final = 4_000
COLUMNS: Final = 8
SCORE: Final = Feature("score", "number")

_SCRIPT = re.compile(r"(<script\b[^>]*>).*?</script>", re.DOTALL | re.IGNORECASE)
_REMOTE = re.compile(r"<(?:script|link|img|iframe)\b[^>]*?(?:src|href)\s*=\s*['\"]?(?:https?:)?//[^>]*>", re.IGNORECASE)
_NOTE: Final = (
    "<h2>Column by column, drawn by Evidently</h2><p class=sub>Rows: a sample of at most {rows:,} of each side. "
    "{left_out}What is called drift below counts columns, one against one, and is an observation: weather and season "
    "move columns every month. The verdict is the one above.</p>"
)


def drift_html(page: "Page", window: "pa.Table", reference: "Reference") -> str:
    """Evidently's drift report of the score and the first features, with our page on top; self-contained.

    Raises:
        StoreError: the page would load something from elsewhere.
    """
    wanted = [SCORE, *reference.features[: COLUMNS - 1]]
    here, there = sample(window, wanted), sample(reference.rows, wanted)
    empty = [name for name in here.columns if here[name].isna().all() or there[name].isna().all()]
    drawn = [feature for feature in wanted if feature.name not in empty]
    names = [feature.name for feature in drawn]
    left_out = f"Without a value on one side, and so not drawn: {', '.join(empty)}. " if empty else ""
    note = _NOTE.format(rows=ROWS, left_out=left_out)
    return self_contained(_insert(_evidently(here[names], there[names], drawn), page.section() + note))


def sample(rows: "pa.Table", features: list[Feature]) -> "pd.DataFrame":
    """At most 4,000 rows, evenly spread over the table, always the same."""
    import numpy as np
    import pyarrow as pa

    count = rows.num_rows
    picked = np.linspace(0, count - 1, min(ROWS, count)).astype(np.int64)
    return frame(rows.take(pa.array(picked)), features)


def self_contained(html: str) -> str:
    """The page as it is, if it loads nothing from elsewhere.

    Raises:
        StoreError: it does.
    """
    found = _REMOTE.search(_SCRIPT.sub(r"\1", html))
    if found:
        raise StoreError.of("a report must not load anything from elsewhere", got=found.group(0)[:200])
    return html


def _evidently(here: "pd.DataFrame", there: "pd.DataFrame", features: list[Feature]) -> str:
    os.environ["DO_NOT_TRACK"] = "1"
    with warnings.catch_warnings():
        # Evidently 0.7 imports names that litestar and NumPy have deprecated; nobody here can mend that.
        warnings.simplefilter("ignore", DeprecationWarning)
        from evidently import DataDefinition, Dataset, Report
        from evidently.presets import DataDriftPreset

    definition = DataDefinition(
        numerical_columns=[feature.name for feature in features if feature.kind == "number"],
        categorical_columns=[feature.name for feature in features if feature.kind == "category"],
    )
    current, known = (Dataset.from_pandas(rows, data_definition=definition) for rows in (here, there))
    preset = DataDriftPreset(num_method="wasserstein", cat_method="jensenshannon", include_tests=False)
    snapshot = Report([preset]).run(current, known)
    html: str = snapshot.get_html_str(as_iframe=False)
    return html


def _insert(html: str, section: str) -> str:
    """Put our own section first; a shadow root, which browsers open without a script, keeps the styles apart."""
    ours = f"<div><template shadowrootmode=open><style>{_scoped()}</style><main>{section}</main></template></div>"
    head, body, rest = html.partition("<body>")
    if not body:
        raise StoreError.of("Evidently's page has no <body> to put the verdict in", step="pin evidently to 0.7")
    return f"{head}{body}{ours}{rest}"


def _scoped() -> str:
    return STYLE.replace("body{", "main{")
