"""The exploration of a batch as one self-contained page: what it holds, and what changed since the one before."""

import re
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Final

from mlops_assets.rooms.explore import columns, distributions
from mlops_assets.rooms.explore.charts import over_time, overview

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from mlops_assets.rooms.explore.changes import Change
    from mlops_assets.rooms.explore.profile import ColumnProfile

SAMPLE: Final = 5000
"""Rows that skrub draws, evenly spaced over the batch; our own figures and pictures are of all rows."""
DRAWN: Final = 100
"""Columns that are drawn one by one; the profile has the figures of all."""
DIGITS: Final = 6
"""Of a number in skrub's tables, whose three would make a year of a plane 2.00e+03."""
ASSOCIATIONS: Final = 12
"""Columns up to which the associations of every pair are worth their time."""
STYLE: Final = """
body{font:15px/1.55 system-ui,sans-serif;color:#1f2937;max-width:1080px;margin:2.5rem auto;padding:0 1.2rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.05rem;margin:2rem 0 .5rem}p.sub{color:#6b7280;margin:.2rem 0 1.2rem}
table.changes{border-collapse:collapse;font-size:.88rem}img{max-width:100%}code{font-size:.85em}
.spreads{display:grid;grid-template-columns:repeat(auto-fill,minmax(200px,1fr));gap:1rem 1.4rem}
figure{margin:0;min-width:0}figcaption{font-size:.85rem;font-weight:600;overflow:hidden;text-overflow:ellipsis}
figure svg{width:100%;height:70px;fill:#0f766e}.ends,.bars{font-size:.75rem;color:#6b7280}
.ends{display:flex;justify-content:space-between}figcaption,.bars span{white-space:nowrap}
.bars{display:grid;grid-template-columns:minmax(1.5rem,max-content) 1fr max-content;gap:2px .5rem;align-items:center}
.bars div{display:flex}.bars i,.key i{height:11px;display:inline-block}.bars b{font-weight:400;text-align:right}
table.lines td{white-space:nowrap;font-size:.8rem}
.key{font-size:.8rem}.key span{margin-right:1.2rem}.key i{width:11px;margin-right:.4rem}
table.changes td,table.changes th{padding:.3rem .8rem .3rem 0;text-align:left;border-bottom:1px solid #e5e7eb}
"""
_SCRIPT: Final = re.compile(r"(<script\b[^>]*>).*?</script>", re.DOTALL | re.IGNORECASE)
_LOADS: Final = re.compile(
    r"""<(?:script|img|iframe|link)\b[^>]*\b(?:src|href)\s*=\s*["']?(?:https?:)?//|@import|url\(\s*["']?(?:https?:)?//""",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Subject:
    """The batch that is explored.

    Attributes:
        dataset: its name.
        batch: the batch's.
        version: number of the clean table's version.
        fingerprint: of the batch's rows.
        event_time: the column with the time; None: there is none.
        zone: the clock by which days are told.
    """

    dataset: str
    batch: str
    version: int
    fingerprint: str
    event_time: str | None = None
    zone: str = "UTC"


def report(
    rows: "pa.Table",
    subject: Subject,
    profiles: "Sequence[ColumnProfile]",
    *,
    compared_with: str = "",
    changes: "Sequence[Change]" = (),
    glance: bytes = b"",
    standard: str = "",
    distinct: "Mapping[str, int] | None" = None,
) -> str:
    """The whole page.

    Args:
        rows: of the batch.
        subject: which batch it is.
        profiles: of every column.
        compared_with: what `changes` look back at, in words; empty: there is nothing before.
        changes: since then.
        glance: the picture of the batch, where it has been drawn before.
        standard: HTML of the standard pictures.
        distinct: column to about how many values it has.

    Raises:
        ValueError: the page would load something from elsewhere.
    """
    title = subject.dataset if subject.batch == subject.dataset else f"{subject.dataset} {subject.batch}"
    parts = [
        f"<h1>{escape(title)}</h1>",
        f"<p class=sub>{rows.num_rows:,} rows, {len(profiles)} columns; {_version(subject)}</p>",
        f"<h2>What changed</h2>{_changes(compared_with, changes)}",
        f"<h2>At a glance</h2>{_image(glance or picture(rows, subject, profiles))}",
        standard,
        f"<h2>How the values are spread</h2>{distributions.drawn(distributions.of_table(rows, profiles[:DRAWN]))}",
        f"<h2>Every column</h2>{columns.drawn(profiles, distinct or {})}{_columns(rows, title)}",
    ]
    head = f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title><style>{STYLE}</style>"
    return self_contained(head + "".join(parts) + "</html>")


def picture(rows: "pa.Table", subject: Subject, profiles: "Sequence[ColumnProfile]") -> bytes:
    """Rows over time and missing values, as PNG."""
    step, counts = over_time(rows, subject.event_time, subject.zone) if subject.event_time else ("", ())
    return overview(profiles, step, counts)


def self_contained(page: str) -> str:
    """The page itself, once it is sure that opening it asks no other host for anything.

    >>> self_contained("<a href='https://example.org'>a link is only followed by a click</a>")[:2]
    '<a'

    Raises:
        ValueError: it would.
    """
    marked_up = _SCRIPT.sub(r"\1</script>", page)  # what scripts do, only a browser can tell: the tests ask one
    found = _LOADS.search(marked_up)
    if found:
        raise ValueError(f"the page loads something from elsewhere: {marked_up[found.start() : found.start() + 120]!r}")
    return page


def _version(subject: Subject) -> str:
    fingerprint = f"fingerprint <code>{subject.fingerprint[:16]}</code>"
    return f"version {subject.version} of {escape(subject.dataset)}/clean, {fingerprint}"


def _changes(compared_with: str, changes: "Iterable[Change]") -> str:
    if not compared_with:
        return "<p>This is the first batch: there is nothing to compare it with.</p>"
    cells = [(c.column or "all rows", c.what, c.before or "-", c.now or "-") for c in changes]
    if not cells:
        return f"<p>Nothing of note since {escape(compared_with)}.</p>"
    head = "".join(f"<th>{escape(name)}</th>" for name in ("column", "what", compared_with, "now"))
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in cells)
    return f"<table class=changes><tr>{head}</tr>{body}</table>"


def _image(png: bytes) -> str:
    return f"<img alt='rows over time and missing values' src='data:image/png;base64,{b64encode(png).decode()}'>"


def _columns(rows: "pa.Table", title: str) -> str:
    if not rows.num_rows:
        return "<p>There are no rows.</p>"
    from skrub import TableReport, config_context

    sample = _sample(rows).select(range(min(rows.num_columns, DRAWN)))
    with config_context(float_precision=DIGITS):
        drawn = TableReport(
            frame(sample),
            title=title,
            verbose=0,
            plot_distributions=False,
            compute_associations=rows.num_columns <= ASSOCIATIONS,
            open_tab="table",
        ).html_snippet()
    part = f"{sample.num_rows:,} evenly spaced of" if sample.num_rows < rows.num_rows else "all"
    some = f" The first {DRAWN} of {rows.num_columns:,} columns." if rows.num_columns > DRAWN else ""
    return f"<p>Drawn from {part} {rows.num_rows:,} rows.{some}</p>{drawn}"


def frame(rows: "pa.Table") -> "pd.DataFrame":
    """As pandas, in which a whole number stays one where another is missing."""
    import pandas as pd
    import pyarrow as pa

    kinds = {pa.int64(): pd.Int64Dtype(), pa.int32(): pd.Int32Dtype()}
    found: pd.DataFrame = rows.to_pandas(types_mapper=kinds.get)
    return found


def _sample(rows: "pa.Table") -> "pa.Table":
    """Evenly spaced rows: the same rows give the same sample."""
    if rows.num_rows <= SAMPLE:
        return rows
    return rows.take([place * rows.num_rows // SAMPLE for place in range(SAMPLE)])
