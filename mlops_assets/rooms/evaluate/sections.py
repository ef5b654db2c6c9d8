"""The parts of the report below the verdict: when a yes pays, weak spots, weeks, groups, what the model looks at."""

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from mlops_assets.rooms.evaluate.fairness import groups, widest
from mlops_assets.rooms.evaluate.stability import picture, weeks
from mlops_assets.rooms.evaluate.tables import bounds, image, number, table_html
from mlops_assets.rooms.evaluate.threshold import choices
from mlops_assets.rooms.evaluate.weak import weakest

if TYPE_CHECKING:
    from mlops_assets.rooms.evaluate.evidence import Evidence

TOP = 12
"""Features that are shown."""


def sections(evidence: "Evidence") -> list[str]:
    """Those that there is something to tell in, as HTML."""
    made = (_thresholds, _weak, _weeks, _groups, _explained)
    return [section for section in (part(evidence) for part in made) if section]


def _thresholds(evidence: "Evidence") -> str:
    found = choices(evidence)
    if not found:
        return ""
    head = (
        "a miss costs",
        "a false alarm",
        "yes from",
        "cost a row",
        f"from {evidence.model.threshold:g}",
        "yes",
        "found",
    )
    rows = [
        (
            *(f"{each:g}" for each in (c.miss, c.false_alarm)),
            *(f"{c.threshold:.3f}", number(c.cost), number(c.declared)),
            *(f"{c.yes:.1%}", f"{c.found:.1%}"),
        )
        for c in found
    ]
    said = "the declared costs" if evidence.model.evaluate.costs else "a few costs, as none are declared"
    return (
        f"<h2>When a yes pays</h2><p class=sub>The threshold that costs least, for {said}.</p>{table_html(head, rows)}"
    )


def _weak(evidence: "Evidence") -> str:
    found = weakest(evidence)
    if not found:
        return ""
    head = ("rows", "n", found[0]["metric"], "interval", "over all rows")
    rows = [
        (row["rows"], f"{row['n']:,}", number(row["figure"]), bounds(row["low"], row["high"]), number(row["overall"]))
        for row in found
    ]
    note = "Found by looking at every feature; of so many some look bad by chance."
    return f"<h2>Where it is weakest</h2><p class=sub>{note}</p>{table_html(head, rows)}"


def _weeks(evidence: "Evidence") -> str:
    found = weeks(evidence)
    return f"<h2>From week to week</h2>{image(picture(evidence, found), 'figures a week')}" if len(found) > 1 else ""


def _groups(evidence: "Evidence") -> str:
    found = groups(evidence)
    if not found:
        return ""
    names = [name for name in ("yes", "found", "alarmed", "off") if name in found[0]]
    rows = [(row["feature"], row["group"], f"{row['n']:,}", *(f"{row[name]:+.3f}" for name in names)) for row in found]
    rows += [
        (feature, "widest difference", "", *(f"{spread[name]:+.3f}" for name in names))
        for feature, spread in widest(found).items()
    ]
    return f"<h2>Group by group</h2>{table_html(('feature', 'group', 'n', *names), rows)}"


def _explained(evidence: "Evidence") -> str:
    manifest = evidence.challenger.manifest
    importance: Mapping[str, float] = manifest.get("importance") or {}
    if not importance:
        return ""
    top = sorted(importance.items(), key=lambda item: -item[1])[:TOP]
    most = max(value for _, value in top) or 1.0
    bars = "".join(_bar(name, value, most) for name, value in top)
    said = f"How much worse the {escape(str(manifest['objective']))} gets when a feature's values are shuffled."
    return f"<h2>What it looks at</h2><p class=sub>{said}</p><table>{bars}</table>{_coefficients(manifest)}"


def _bar(name: str, value: float, most: float) -> str:
    width = max(0.0, value / most) * 100
    drawn = f"<div style='background:#0f766e;height:.7rem;width:{width:.0f}%'></div>"
    return f"<tr><td>{escape(name)}</td><td class=n>{value:+.4f}</td><td style='width:60%'>{drawn}</td></tr>"


def _coefficients(manifest: Mapping[str, Any]) -> str:
    found: Mapping[str, float] = manifest.get("coefficients") or {}
    if not found:
        return ""
    top = sorted(found.items(), key=lambda item: -abs(item[1]))[:TOP]
    note = "Of the explainable model, a standard deviation of a number or the presence of a category"
    note += "; of a rule, what it says of each case."
    return f"<p class=sub>{note}</p>{table_html(('input', 'coefficient'), [(n, f'{v:+.4f}') for n, v in top])}"
