"""What a performance report shows below its head: who was how good, when and where; the estimate; earlier verdicts."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from mlops_assets.rooms.evaluate.tables import image, table_html
from mlops_assets.rooms.monitor.contest import Figure
from mlops_assets.rooms.monitor.pictures import DPI, panels
from mlops_assets.rooms.train.charts import png

if TYPE_CHECKING:
    from mlops_assets.rooms.monitor.estimate import Estimate

LABEL = slice(5, 10)
"""Of a stretch of time: the month and the day on which it begins."""
COLOURS = ("#0f766e", "#9ca3af", "#b45309", "#6d28d9")


def sections(
    judged: Sequence[Figure], guess: "Estimate", judgements: Sequence[Mapping[str, Any]], watched: str
) -> list[str]:
    """HTML, a part a heading; what there is nothing to say of is left out."""
    slices = [figure for figure in judged if figure.kind not in ("window", "time")]
    compared = _compared([figure for figure in judged if figure.kind == "window"])
    found = [("Against whom", compared), ("In the course of the window", _course(judged))]
    found += [("By slice", _sliced(slices, watched)), ("Estimated without labels", f"<p>{escape(guess.words)}</p>")]
    found.append(("How it was judged", _judgements(judgements, watched)))
    return [f"<h2>{title}</h2>{body}" for title, body in found if body]


def _compared(figures: Sequence[Figure]) -> str:
    rows = [(f.who, f.metric, f"{f.figure:.4f}", _interval(f), f"{f.rows:,}") for f in figures]
    return table_html(("who", "metric", "figure", "interval over days", "rows"), rows) if rows else ""


def _course(judged: Sequence[Figure]) -> str:
    figures = [figure for figure in judged if figure.kind == "time"]
    if not figures:
        return ""
    rows = [(f.where, f.who, f.metric, f"{f.figure:.4f}", _interval(f), f"{f.rows:,}") for f in figures]
    table = table_html(("stretch", "who", "metric", "figure", "interval over days", "rows"), rows)
    picture = image(course_picture(figures), "figures by stretch of time")
    return f"{picture}<details><summary>The same as a table</summary>{table}</details>"


def _sliced(figures: Sequence[Figure], watched: str) -> str:
    if not figures:
        return ""
    ranked = sorted(figures, key=lambda figure: (figure.kind, figure.metric, figure.figure))
    rows = [(f"{f.kind} = {f.where}", f.metric, f"{f.figure:.4f}", _interval(f), f"{f.rows:,}") for f in ranked]
    table = table_html(("slice", "metric", "figure", "interval over days", "rows"), rows)
    shown = [figure for figure in ranked if figure.metric == watched]
    drawn = image(slices_picture(shown), f"{watched} by slice") if shown else ""
    return f"{drawn}<details><summary>All {len(rows)} figures as a table</summary>{table}</details>"


def _judgements(judgements: Sequence[Mapping[str, Any]], watched: str) -> str:
    rows = [
        (
            str(row.get("judgement") or 1),
            f"{row['label_cutoff']:%Y-%m-%d %H:%M}" if row.get("label_cutoff") else "",
            f"{row['matured']:,}",
            f"{row.get('pending') or 0:,}",
            f"{row[watched]:.4f}",
            "alarm" if row["alarm"] else "calm",
        )
        for row in judgements
    ]
    return table_html(("judgement", "labels known by", "matured", "to come", watched, "verdict"), rows)


def _interval(figure: Figure) -> str:
    return "" if figure.low != figure.low else f"{figure.low:.4f} to {figure.high:.4f}"


def course_picture(figures: Sequence[Figure]) -> bytes:
    """A panel a metric: each contestant's figures by stretch of time, with intervals; as PNG."""
    metrics, who = (list(dict.fromkeys(getattr(f, name) for f in figures)) for name in ("metric", "who"))
    places = {where: place for place, where in enumerate(dict.fromkeys(f.where for f in figures))}
    canvas, shown = panels(8.4, 2.6, len(metrics), below=LABEL.stop - LABEL.start)
    for axes, metric in zip(shown, metrics, strict=True):
        for number, name in enumerate(who):
            mine = [f for f in figures if f.metric == metric and f.who == name]
            spots = [places[f.where] + 0.12 * number for f in mine]
            spans = [[max(0.0, f.figure - f.low) for f in mine], [max(0.0, f.high - f.figure) for f in mine]]
            bars = [[0.0 if span != span else span for span in side] for side in spans]  # noqa: PLR0124 - NaN
            colour = COLOURS[number % len(COLOURS)]
            axes.errorbar(
                spots, [f.figure for f in mine], yerr=bars, fmt="o-", ms=3, lw=1, capsize=2, color=colour, label=name
            )
        axes.set_title(metric, fontsize=9, loc="left")
        axes.set_xticks(list(places.values()), [where[LABEL] for where in places], rotation=30, ha="right")
        axes.tick_params(labelsize=7)
        axes.spines[["top", "right"]].set_visible(False)
    shown[0].legend(frameon=False, fontsize=7)
    return png(canvas, dpi=DPI)


def slices_picture(figures: Sequence[Figure]) -> bytes:
    """A figure a slice with its interval, the slices of one feature side by side, the worst first; as PNG."""
    canvas, (axes,) = panels(8.4, 2.6, 1, below=max(len(figure.where) for figure in figures))
    places: list[int] = []
    for number, feature in enumerate(dict.fromkeys(figure.kind for figure in figures)):
        mine = [figure for figure in figures if figure.kind == feature]
        spots = list(range(len(places) + number, len(places) + number + len(mine)))
        spans = [[f.figure - f.low for f in mine], [f.high - f.figure for f in mine]]
        bars = [[0.0 if span != span else max(0.0, span) for span in side] for side in spans]  # noqa: PLR0124 - NaN
        colour = COLOURS[number % len(COLOURS)]
        axes.errorbar(spots, [f.figure for f in mine], yerr=bars, fmt="o", ms=4, capsize=2, color=colour, label=feature)
        places += spots
    axes.set_title(f"{figures[0].metric} by slice, with its interval over days", fontsize=9, loc="left")
    axes.set_xticks(places, [figure.where for figure in figures], rotation=30, ha="right")
    axes.tick_params(labelsize=7)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=7)
    return png(canvas, dpi=DPI)
