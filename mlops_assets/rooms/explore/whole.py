"""The whole report of a dataset's version: every standard question of an exploration, on all rows, as one page."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from html import escape
from typing import TYPE_CHECKING, Final

from mlops_assets import keys
from mlops_assets.errors import NotFound
from mlops_assets.rooms.explore import (
    changes,
    columns,
    distributions,
    groups,
    measure,
    plots,
    relations,
    sketches,
    target,
)
from mlops_assets.rooms.explore.eda import STYLE, self_contained
from mlops_assets.rooms.explore.history import History
from mlops_assets.rooms.explore.profile import ColumnProfile
from mlops_assets.spec.plan import DatasetPlan
from mlops_assets.stores import sql
from mlops_assets.stores.lake import Lake

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from mlops_assets.rooms.explore.groups import GroupFigure
    from mlops_assets.stores.cache import Cache

MORE: Final = """
main{max-width:1080px}section{margin:2.2rem 0}td.n{text-align:right;font-variant-numeric:tabular-nums}
.figures{display:flex;flex-wrap:wrap;gap:.6rem 2.2rem;margin:1rem 0}.figures b{display:block;font-size:1.25rem}
.warn{border-left:4px solid #b45309;background:#fffbeb;padding:.5rem .9rem;margin:.6rem 0}nav a{margin-right:1.2rem}
"""
_LATE: Final = "declared to be known only after the event"
_NONE: Final = "<p>No target: no model predicts these rows, and <code>explore.target</code> is not declared.</p>"
_UNTOLD: Final = (
    f"<p>The target is not told: it is no number here, and no text of {target.CLASSES} values or fewer.</p>"
)


@dataclass(frozen=True)
class Whole:
    """A version of a dataset, with all that is drawn of it.

    Attributes:
        plan: the dataset.
        version: of its clean table.
        rows: all of them.
        profiles: of every column.
        before: of the version before, where there is one.
        groups: figures by declared groups.
        distinct: column to about how many values it has.
        apart: column to how far its values are from those of the version before.
    """

    plan: DatasetPlan
    version: int
    rows: "pa.Table"
    profiles: list[ColumnProfile]
    before: list[ColumnProfile]
    groups: "list[GroupFigure]"
    distinct: Mapping[str, int] = field(default_factory=dict)
    apart: Mapping[str, float] = field(default_factory=dict)


def look(lake: Lake, plan: DatasetPlan, version: int | None = None, *, kept: "Cache | None" = None) -> Whole:
    """Read a version; of the one before it is told by what was kept of its batches.

    Args:
        lake: the tables.
        plan: the dataset.
        version: of its clean table; default: the newest.
        kept: where the sketches of batches are; None: nowhere.

    Raises:
        NotFound: there is no such version.
    """
    table = keys.table(plan.dataset.name, "clean")
    if not lake.exists(table):
        raise NotFound.of(f"there are no clean rows of {plan.dataset.name}", step="land a first batch")
    number = lake.version(table) if version is None else version
    rows, history = lake.read(table, version=number), History(lake, plan.dataset.name, kept)
    counted = groups.merged(plan.dataset, [groups.of_table(rows, plan.dataset, plan.target)])
    now, earlier = history.sketches(number), history.sketches(number - 1) if number else []
    before, apart = history.profiles(number - 1) if number else [], sketches.distances(earlier, now)
    distinct = {sketch.column: sketch.distinct for sketch in now}
    return Whole(plan, number, rows, measure.of_table(rows), before, counted, distinct, apart)


def report(whole: Whole, links: Sequence[tuple[str, str]] = ()) -> str:
    """The page.

    Args:
        whole: what is drawn.
        links: title and file name of pages that lie beside this one.

    Raises:
        ValueError: the page would load something from elsewhere.
    """
    name = whole.plan.dataset.name
    nav = "".join(f"<a href='{escape(file)}'>{escape(title)}</a>" for title, file in links)
    top = f"<h1>{escape(name)}, version {whole.version}</h1><p class=sub>{escape(whole.plan.dataset.description)}</p>"
    head = f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(name)} v{whole.version}</title>"
    page = f"{head}<style>{STYLE}{MORE}</style>{top}<nav>{nav}</nav>{_figures(whole)}{_drawn(whole, SECTIONS)}</html>"
    return self_contained(page)


def standard(plan: DatasetPlan, rows: "pa.Table", profiles: list[ColumnProfile]) -> str:
    """The standard pictures of some rows, such as a batch, as parts of a page; none of what does not vary there."""
    counted = groups.merged(plan.dataset, [groups.of_table(rows, plan.dataset, plan.target)])
    return _drawn(Whole(plan, 0, rows, profiles, [], counted), STANDARD) if rows.num_rows else ""


def _drawn(whole: Whole, sections: "Sequence[tuple[str, Section]]") -> str:
    with sql.connect() as connection:
        connection.register("batch", whole.rows)
        drawn = [(title, draw(connection, whole)) for title, draw in sections]
    return "".join(f"<section><h2>{escape(title)}</h2>{part}</section>" for title, part in drawn if part)


def _figures(whole: Whole) -> str:
    cells = sum(profile.rows for profile in whole.profiles)
    missing = sum(profile.nulls for profile in whole.profiles) / cells if cells else 0.0
    shown = {"rows": f"{whole.rows.num_rows:,}", "columns": str(len(whole.profiles)), "missing": f"{missing:.2%}"}
    if whole.plan.target:
        shown["target"] = " ".join(whole.plan.target.split())
    told = "".join(f"<div><b>{escape(value)}</b>{escape(title)}</div>" for title, value in shown.items())
    return f"<div class=figures>{told}</div>"


def _changed(_: "duckdb.DuckDBPyConnection", whole: Whole) -> str:
    if not whole.before:
        return "<p>This is the first version: there is nothing before it.</p>"
    far = sorted((-apart, name) for name, apart in whole.apart.items() if apart > changes.APART)
    moved = [changes.Change(name, "distribution", "", f"{-apart:.2f} from the version before") for apart, name in far]
    was, found = whole.before[0].rows, [*changes.between(whole.before, whole.profiles), *moved]
    told = f"<p>Version {whole.version - 1} had {was:,} rows, this one has {whole.rows.num_rows:,}.</p>"
    rows = [(c.column, c.what, c.before or "-", c.now or "-") for c in found if c.column]
    return told + (_table(("column", "what", "before", "now"), rows) if rows else "<p>Nothing else of note.</p>")


def _missing(connection: "duckdb.DuckDBPyConnection", whole: Whole) -> str:
    moment, step = _time(connection, whole)
    if moment:
        return plots.missing_over_time(connection, whole.profiles, moment, step)
    lacking = sorted((p for p in whole.profiles if p.nulls), key=lambda p: -p.null_share)
    rows = [(p.column, f"{p.nulls:,}", f"{p.null_share:.2%}") for p in lacking[:20]]
    return _table(("column", "missing", "share"), rows) if rows else "<p>No value is missing anywhere.</p>"


def _target(connection: "duckdb.DuckDBPyConnection", whole: Whole) -> str:
    found = target.of_batch(connection, whole.plan.target)
    if found is None:
        return _NONE if not whole.plan.target else _UNTOLD
    moment, step = _time(connection, whole)
    others = [p for p in whole.profiles if p.column not in (whole.plan.target, *whole.plan.dataset.key)]
    if found.classes:
        parts = [target.counted(found), target.over_time(connection, found, moment, step) if moment else ""]
    else:
        parts = [plots.target_over_time(connection, found.sql, moment, step) if moment else ""]
    return "".join([*parts, target.by_column(connection, others, found)])


def _suspects(connection: "duckdb.DuckDBPyConnection", whole: Whole) -> str:
    found = target.of_batch(connection, whole.plan.target)
    if found is None:
        return "" if not whole.plan.target else _UNTOLD
    outcomes = whole.plan.dataset.outcomes
    late = [*outcomes.columns, outcomes.known_at] if outcomes else []
    others = [profile for profile in whole.profiles if profile.column != whole.plan.target]
    tried = (
        relations.of_classes(connection, others, found, late)
        if found.classes
        else relations.suspects(connection, others, found.sql, late)
    )
    if not tried:
        return _correlated(connection, whole)
    named = [each.column for each in tried if each.suspected]
    said = f"{', '.join(named)}: too good alone. Is it known when the prediction is made?" if named else ""
    warn = f"<div class=warn>{escape(said)}</div>" if named else "<p>No column alone is too good to be true.</p>"
    rows = [
        (e.column, f"{e.auc:.3f}", e.how, "suspect" if e.suspected else _LATE if e.late else "") for e in tried[:12]
    ]
    return warn + _table(("column", "AUC alone", "judged", ""), rows)


def _correlated(connection: "duckdb.DuckDBPyConnection", whole: Whole) -> str:
    """Each number's correlation with a target that is a number, the strongest first."""
    names, matrix = relations.correlations(connection, whole.profiles)
    if whole.plan.target not in names:
        return "<p>No target that is a yes or no, or a number of which the correlations are known.</p>"
    beside = zip(names, matrix[list(names).index(whole.plan.target)], strict=True)
    known = [(name, r) for name, r in beside if r is not None and name != whole.plan.target]
    ranked = sorted(known, key=lambda each: -abs(each[1]))
    rows = [(name, f"{r:.3f}", "suspect" if abs(r) >= relations.STRAIGHT else "") for name, r in ranked[:12]]
    return _table(("column", "correlation with the target", ""), rows)


def _correlations(connection: "duckdb.DuckDBPyConnection", whole: Whole) -> str:
    return plots.correlation_matrix(*relations.correlations(connection, whole.profiles))


def _groups(_: "duckdb.DuckDBPyConnection", whole: Whole) -> str:
    if not whole.groups:
        return "<p>No <code>groups</code> are declared: nobody has said whose treatment matters.</p>"
    apart = groups.disparities(whole.groups)
    rates = {each.group for each in whole.groups if each.low is not None}
    told = "; ".join(f"{g}: {f'{apart[g]:.1%}' if g in rates else f'{apart[g]:.4g}'} apart" for g in apart)
    lead = (
        f"<p>Highest and lowest target, of values with {groups.FEW} labels or more: {escape(told)}.</p>" if told else ""
    )
    return lead + plots.groups(whole.groups) + _table(HEAD, [row(each) for each in whole.groups])


def _columns(_: "duckdb.DuckDBPyConnection", whole: Whole) -> str:
    return columns.drawn(whole.profiles, whole.distinct)


def _spreads(_: "duckdb.DuckDBPyConnection", whole: Whole) -> str:
    return distributions.drawn(distributions.of_table(whole.rows, whole.profiles))


HEAD: Final = ("group", "value", "rows", "share", "expected", "labelled", "target", "95 % interval", "missing cells")
Section = Callable[["duckdb.DuckDBPyConnection", Whole], str]
STANDARD: Final[tuple[tuple[str, Section], ...]] = (
    ("Missing values", _missing),
    ("The target", _target),
    ("What foretells the target alone", _suspects),
    ("Who is in the data", _groups),
    ("What hangs together", _correlations),
)
"""Title and drawing of each part that a batch and a whole version have; a new part is a new line."""
SECTIONS: Final = (
    ("What changed since the version before", _changed),
    *STANDARD,
    ("Every column", _columns),
    ("How the values are spread", _spreads),
)


def row(figure: "GroupFigure") -> tuple[str, ...]:
    """A group's figures as text."""
    interval = "" if figure.low is None or figure.high is None else f"{figure.low:.1%} to {figure.high:.1%}"
    rate = "" if figure.rate is None else f"{figure.rate:.1%}" if figure.low is not None else f"{figure.rate:.4g}"
    expected = "" if figure.expected is None else f"{figure.expected:.1%}"
    counts = (f"{figure.rows:,}", f"{figure.share:.1%}", expected, f"{figure.labelled:,}")
    return (figure.group, figure.value, *counts, rate, interval, f"{figure.null_share:.2%}")


def _time(connection: "duckdb.DuckDBPyConnection", whole: Whole) -> tuple[str, str]:
    """SQL of the event time, by the dataset's clock, and the step that suits its span; empty where there is none."""
    dataset = whole.plan.dataset
    if not dataset.event_time:
        return "", ""
    zone = dataset.period.timezone if dataset.period else "UTC"
    moment = f"timezone({sql.literal(zone)}, cast({sql.identifier(dataset.event_time)} as timestamptz))"
    first, last = connection.execute(f"select min({moment}), max({moment}) from batch").fetchall()[0]
    if first is None:
        return "", ""
    span: timedelta = last - first
    return moment, "hour" if span <= timedelta(days=3) else "day" if span <= timedelta(days=800) else "month"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    titles = "".join(f"<th>{escape(title)}</th>" for title in head)
    lines = "".join(f"<tr>{''.join(_cell(cell) for cell in line)}</tr>" for line in rows)
    return f"<table class=changes><tr>{titles}</tr>{lines}</table>"


def _cell(text: str) -> str:
    number = text[:1].isdigit() or text[:2].lstrip("-").isdigit()
    return f"<td{' class=n' if number else ''}>{escape(text)}</td>"
