"""The model card: what a model is for, what it was made of and how good it is, generated from what was recorded.

What a person has written stands apart, under the person's name; everything else is read from the lineage.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, Final

from mlops_assets.rooms.evaluate.report import STYLE, plain_words
from mlops_assets.rooms.evaluate.tables import table_html
from mlops_assets.rooms.explore.whole import HEAD
from mlops_assets.rooms.explore.whole import row as told
from mlops_assets.rooms.release import formats

if TYPE_CHECKING:
    from mlops_assets.rooms.evaluate.verdict import Verdict
    from mlops_assets.rooms.explore.groups import GroupFigure
    from mlops_assets.rooms.release.record import Release
    from mlops_assets.rooms.train.snapshot import Snapshot
    from mlops_assets.spec.model import Model
    from mlops_assets.stores.lineage import Lineage

TOLD: Final = "(nobody has said)"
_PERSON: Final = """
.person{background:#fffbeb;border:1px solid #fde68a;border-radius:8px;padding:.2rem 1.2rem 1rem;margin:1.5rem 0}
.person h2{margin-top:1rem}
.made{color:#6b7280;font-size:.85rem;margin:2rem 0 0;border-top:1px solid #e5e7eb;padding-top:.8rem}
td:last-child{overflow-wrap:anywhere}
"""


@dataclass(frozen=True)
class Evidence:
    """What was recorded of a version.

    Attributes:
        manifest: of the bundle.
        snapshot: what it was made of.
        release: by which it is champion.
        verdict: on it; None when nobody judged it.
        formats: as they were measured.
        groups: who is in the data, as explore recorded it.
    """

    manifest: Mapping[str, Any]
    snapshot: "Snapshot"
    release: "Release"
    verdict: "Verdict | None" = None
    formats: "Sequence[formats.Format]" = ()
    groups: "Sequence[GroupFigure]" = ()


def weaknesses(lineage: "Lineage", model: str, verdict: str) -> list[Mapping[str, Any]]:
    """The slices on which a verdict's evaluation looked, a row a slice and metric; none when none were declared."""
    found = [record for record in lineage.records("evaluation", model) if record.body["verdict"] == verdict]
    return list(found[-1].body["slices"]) if found else []


def card(model: "Model", evidence: Evidence, slices: Sequence[Mapping[str, Any]] = ()) -> str:
    """The card as one self-contained HTML page.

    Args:
        model: the declaration; a person wrote its description, intended use, limits and owners.
        evidence: what was recorded.
        slices: of the holdout, a row a slice and metric.
    """
    title = escape(f"{model.name} v{evidence.release.version}")
    verdict, word = evidence.verdict, "yes" if evidence.verdict and evidence.verdict.accepted else "no"
    head, weak = _weak(slices)
    parts = [
        f"<h1>{title}</h1><p class=sub>model card</p>",
        f"<div class='word {word}'><b>{escape(_word(verdict))}</b></div>",
        _person(model),
        "<p class=made>Everything below was generated from what was recorded.</p>",
        _section("Released", _released(evidence.release)),
        _section("What it does", _does(model, evidence.manifest)),
        _section("What it learnt from", _learnt(evidence.manifest, evidence.snapshot)),
        _section("Who is in the data", [told(each) for each in evidence.groups], HEAD) if evidence.groups else "",
        _section("How it was judged", _judged(verdict), ("gate", "passed", "why")),
        _section("Where it is weak", weak, head) if slices else "",
        _section("Bias: how far groups lie apart", _bias(slices), _APART) if slices else "",
        _section("Formats", formats.told(evidence.formats), formats.HEAD) if evidence.formats else "",
        _section("Made with", _made(evidence.snapshot)),
        _section("Features", [(f["name"], f["kind"]) for f in evidence.manifest["features"]], ("name", "kind")),
    ]
    top = f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><style>{STYLE}{_PERSON}</style>"
    return top + "".join(parts) + "</html>"


_APART: Final = ("group", "metric", "apart", "lowest", "highest")


def _person(model: "Model") -> str:
    said = {
        "What it is": model.description,
        "For whom and for what": model.intended_use,
        "Limits": model.limits,
        "Owners": ", ".join(model.owners),
    }
    words = "".join(f"<h2>{title}</h2><p>{escape(text or TOLD)}</p>" for title, text in said.items())
    return f"<div class=person>{words}</div>"


def _word(verdict: "Verdict | None") -> str:
    return plain_words(verdict) if verdict else "No verdict was ever given on this version."


def _released(release: "Release") -> list[tuple[str, str]]:
    person = f"{release.who} ({release.role})" if release.role else release.who
    rows = [("decision", release.decision), ("by", person), ("evidence", release.evidence[:16])]
    rows += [("why", release.reason)] if release.reason else []
    rows += [("until", f"{release.expires}{' (over)' if release.expired() else ''}")] if release.expires else []
    return rows


def _judged(verdict: "Verdict | None") -> list[tuple[str, str, str]]:
    return [(g.name, "yes" if g.passed else "NO", g.reason) for g in verdict.gates] if verdict else []


def _does(model: "Model", manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    metrics = ", ".join(f"{name} {value:.4f}" for name, value in manifest["metrics"].items())
    return [
        ("predicts", model.target.column),
        _answers(manifest),
        ("kind", f"{manifest['candidate']} ({manifest['task']})"),
        ("out of fold", metrics),
    ]


def _answers(manifest: Mapping[str, Any]) -> tuple[str, str]:
    if manifest["task"] == "binary":
        return "answers yes from", f"{manifest['threshold']:g}"
    return "answers", ", ".join(manifest["classes"]) or "a value"


def _learnt(manifest: Mapping[str, Any], snapshot: "Snapshot") -> list[tuple[str, str]]:
    tables = [(name, f"version {number}, {str(mark)[:16]}") for name, (number, mark) in snapshot.inputs.items()]
    first, last = manifest["trained_from"], manifest["trained_until"]
    rows = [
        ("rows", f"{manifest['train_rows']:,}"),
        ("events", f"{first} to {last}" if last else "no event time"),
        ("on average", ", ".join(f"{value:.4f}" for value in _baseline(manifest))),
    ]
    return [*rows, *tables]


def _baseline(manifest: Mapping[str, Any]) -> list[float]:
    """What was usual in training; an older manifest has the base rate alone, and its model must still be released."""
    return list(manifest.get("baseline") or [manifest["base_rate"]])


def _weak(slices: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """A row a slice, with each metric's figure and interval."""
    metrics = list(dict.fromkeys(row["metric"] for row in slices))
    rows: dict[str, list[str]] = {}
    for row in slices:
        rows.setdefault(f"{row['feature']} = {row['value']}", [f"{row['n']:,}"]).append(_figure(row))
    return ["rows with", "n", *metrics], [[name, *cells] for name, cells in rows.items()]


def _bias(slices: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """For each feature and metric, the groups with the lowest and the highest figure, and how far they lie apart."""
    groups: dict[tuple[str, str], list[tuple[float, str]]] = {}
    for row in slices:
        if row["figure"] is not None:
            groups.setdefault((row["feature"], row["metric"]), []).append((row["figure"], str(row["value"])))
    found: list[tuple[str, ...]] = []
    for (feature, metric), figures in groups.items():
        (low, least), (high, most) = min(figures), max(figures)
        ends = (f"{least} ({low:.4f})", f"{most} ({high:.4f})")
        found.append((feature, metric, f"{high - low:.4f}", *ends))
    return found


def _made(snapshot: "Snapshot") -> list[tuple[str, str]]:
    code = [(f"code: {name}", str(value)) for name, value in snapshot.code.items() if value]
    rest = [
        ("environment", f"{snapshot.environment[:16]}, lock {snapshot.lock[:16]}"),
        ("MLflow run", snapshot.run_id),
        ("Dagster run", snapshot.dagster_run),
        ("digest", snapshot.digest),
        ("bring it back", f"mlops reroll {snapshot.model}@{snapshot.version} --verify"),
    ]
    return [*code, *rest]


def _figure(row: Mapping[str, Any]) -> str:
    figure, low, high = row["figure"], row.get("low"), row.get("high")
    if figure is None:
        return "too few rows"
    return f"{figure:.4f}" if low is None or high is None else f"{figure:.4f} [{low:.4f}, {high:.4f}]"


def _section(title: str, rows: Sequence[Sequence[str]], head: Sequence[str] = ()) -> str:
    return f"<h2>{escape(title)}</h2>{table_html(head, rows)}"
