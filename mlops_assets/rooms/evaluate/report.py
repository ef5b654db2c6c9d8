"""One page that a person wants to read: what was decided about the challenger, and on what evidence."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Final

from mlops_assets.rooms.evaluate.charts import curves
from mlops_assets.rooms.evaluate.gate import Gate
from mlops_assets.rooms.evaluate.sections import sections
from mlops_assets.rooms.evaluate.tables import bounds, image, number, table_html

if TYPE_CHECKING:
    from mlops_assets.rooms.evaluate.evidence import Evidence
    from mlops_assets.rooms.evaluate.verdict import Verdict

STYLE: Final = """
body{font:15px/1.55 system-ui,sans-serif;color:#1f2937;max-width:880px;margin:2.5rem auto;padding:0 1.2rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.05rem;margin:2rem 0 .5rem}p.sub{color:#6b7280;margin:.2rem 0 1.2rem}
.word{padding:1rem 1.2rem;border-left:5px solid;border-radius:6px;background:#f9fafb}
.yes{border-color:#0f766e}.no{border-color:#b45309}.word b{font-size:1.1rem}
table{border-collapse:collapse;width:100%;font-size:.88rem}
td,th{padding:.35rem .6rem;text-align:left;border-bottom:1px solid #e5e7eb}
td.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}td.d{white-space:nowrap}img{max-width:100%}
"""
WORDS: Final = {
    "ACCEPT": "Version {new} takes the place of version {old}.",
    "FIRST_MODEL": "Version {new} is the first model, and it is better than guessing.",
    "REJECT": "Version {new} is refused; {stays}.",
}


def page(evidence: "Evidence", verdict: "Verdict", table: Sequence[Mapping[str, Any]], beside: str = "") -> str:
    """The whole report as one self-contained HTML page.

    Args:
        evidence: the two models.
        verdict: what was decided.
        table: of the declared slices.
        beside: a link to Evidently's page of the same rows; empty when there is none.
    """
    kind = "yes" if verdict.accepted else "no"
    reasons = "".join(f"<br>{escape(gate.reason)}" for gate in verdict.failed() or _deciding(verdict))
    parts = [
        f"<h1>{escape(verdict.model)}: {verdict.decision.replace('_', ' ').lower()}</h1>",
        f"<p class=sub>judged on {verdict.rows:,} rows{escape(_window(verdict))}, unseen by either model</p>",
        f"<div class='word {kind}'><b>{escape(plain_words(verdict))}</b>{reasons}</div>",
        f"<h2>What was asked</h2>{_gates(verdict)}",
        f"<h2>How good it is</h2>{_metrics(evidence)}{_picture(evidence)}",
        f"<h2>In the declared slices</h2>{_slices(table)}" if table else "",
        *sections(evidence),
        f"<p><a href='{escape(beside, quote=True)}'>The same rows, drawn by Evidently</a></p>" if beside else "",
    ]
    title = escape(f"{verdict.model} v{verdict.challenger}: {verdict.decision}")
    head = f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><style>{STYLE}</style>"
    return head + "".join(parts) + "</html>"


def plain_words(verdict: "Verdict") -> str:
    """The decision in a sentence."""
    stays = f"version {verdict.champion} stays" if verdict.champion else "there is no model yet"
    return WORDS[verdict.decision].format(new=verdict.challenger, old=verdict.champion, stays=stays)


def gates_markdown(verdict: "Verdict") -> str:
    """The gates as a Markdown table."""
    head = "| gate | passed | figure | asked | interval | why |\n| --- | --- | --- | --- | --- | --- |\n"
    rows = [" | ".join(cell.replace("|", "/") for cell in _cells(gate)) for gate in verdict.gates]
    return head + "\n".join(f"| {row} |" for row in rows)


def _deciding(verdict: "Verdict") -> tuple[Gate, ...]:
    return tuple(gate for gate in verdict.gates if gate.name in ("objective", "skill", "slices"))


def _gates(verdict: "Verdict") -> str:
    return table_html(("gate", "passed", "figure", "asked", "interval", "why"), map(_cells, verdict.gates))


def _cells(gate: Gate) -> tuple[str, ...]:
    interval = bounds(gate.low, gate.high)
    passed = "yes" if gate.passed else "NO"
    return (gate.name, passed, number(gate.figure), number(gate.threshold), interval, gate.reason)


def _metrics(evidence: "Evidence") -> str:
    rows = []
    for known in evidence.metrics.values():
        own, found = known(evidence.labels, evidence.challenger.scores), evidence.interval(known.name)
        interval = bounds(found.low, found.high) if found else ""
        rival = number(known(evidence.labels, evidence.incumbent))
        rows.append((known.name, number(own), interval, rival, known.description))
    return table_html(("metric", "challenger", "interval", evidence.incumbent_name, "what it is"), rows)


def _slices(table: Sequence[Mapping[str, Any]]) -> str:
    metrics = list(dict.fromkeys(row["metric"] for row in table))
    rows: dict[str, list[str]] = {}
    for row in table:
        cells = rows.setdefault(f"{row['feature']} = {row['value']}", [f"{row['n']:,}"])
        cells += [number(row["figure"]), bounds(row["low"], row["high"])]
    head = ["rows", "n", *(name for metric in metrics for name in (metric, "interval"))]
    return table_html(head, ((name, *cells) for name, cells in rows.items()))


def _picture(evidence: "Evidence") -> str:
    return image(curves(evidence, dpi=130), "ranking and calibration")


def _window(verdict: "Verdict") -> str:
    first, last = verdict.window
    return f" of {first[:10]} to {last[:10]}" if first else ""
