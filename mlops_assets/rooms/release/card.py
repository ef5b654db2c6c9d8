"""The model card: what a model is for, what it was made of and how good it is, generated from what was recorded."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from mlops_assets.rooms.evaluate.report import STYLE, plain_words, table_html

if TYPE_CHECKING:
    from mlops_assets.rooms.evaluate.verdict import Verdict
    from mlops_assets.rooms.release.record import Release
    from mlops_assets.rooms.train.snapshot import Snapshot
    from mlops_assets.spec.model import Model

TOLD = "(nobody has said)"


def card(
    model: "Model",
    manifest: Mapping[str, Any],
    verdict: "Verdict | None",
    snapshot: "Snapshot",
    release: "Release",
) -> str:
    """The card as one self-contained HTML page.

    Args:
        model: the declaration; a person wrote its description, intended use and limits.
        manifest: of the bundle.
        verdict: on this version; None when nobody judged it.
        snapshot: what it was made of.
        release: by which it is champion.
    """
    title = escape(f"{model.name} v{release.version}")
    parts = [
        f"<h1>{title}</h1><p class=sub>{escape(model.description or 'model card')}</p>",
        f"<div class='word yes'><b>{escape(_word(verdict))}</b></div>",
        _section("Released", _released(release)),
        _section("For whom and for what", [(model.intended_use or TOLD,)]),
        _section("Limits", [(model.limits or TOLD,)]),
        _section("What it does", _does(model, manifest)),
        _section("What it learnt from", _learnt(manifest, snapshot)),
        _section("How it was judged", _judged(verdict)),
        _section("Made with", _made(snapshot)),
        _section("Features", [(f["name"], f["kind"]) for f in manifest["features"]]),
    ]
    head = f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><style>{STYLE}</style>"
    return head + "".join(parts) + "</html>"


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
        ("owners", ", ".join(model.owners) or TOLD),
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
        ("on average", ", ".join(f"{value:.4f}" for value in manifest["baseline"])),
    ]
    return [*rows, *tables]


def _made(snapshot: "Snapshot") -> list[tuple[str, str]]:
    code = [(f"code: {name}", str(value)[:40]) for name, value in snapshot.code.items()]
    rest = [("environment", snapshot.environment[:16]), ("MLflow run", snapshot.run_id), ("digest", snapshot.digest)]
    return [*code, *rest]


def _section(title: str, rows: Sequence[Sequence[str]]) -> str:
    if len(rows) == 1 and len(rows[0]) == 1:
        return f"<h2>{escape(title)}</h2><p>{escape(rows[0][0])}</p>"
    return f"<h2>{escape(title)}</h2>{table_html((), rows)}"
