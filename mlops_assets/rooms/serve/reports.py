"""The pages that a person reads of a model that is served: how it is used, and how its challengers compare."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from mlops_assets.rooms.evaluate.report import STYLE
from mlops_assets.rooms.evaluate.tables import table_html
from mlops_assets.rooms.serve.compare import words
from mlops_assets.rooms.serve.trial import Trial


def shadow_page(model: str, trials: Sequence[Trial], dropped: Mapping[int, int]) -> str:
    """How each challenger compares with the champion, and by version how often it was not asked though it should."""
    parts = [f"<p class=sub>{escape(_head(trials))}</p>"]
    for trial in trials:
        parts.append(f"<h2>Version {trial.challenger} beside version {trial.champion}: {escape(trial.how)}</h2>")
        if trial.found is not None:
            names = (f"version {trial.champion}", f"version {trial.challenger}")
            more = ("not asked, for the shadow's queue was full", f"{dropped.get(trial.challenger, 0):,}")
            parts.append(table_html((), [*words(trial.found, names), more]))
    return page(f"{model}: challengers beside the champion", parts)


def usage_page(model: str, days: Sequence[Mapping[str, Any]], picture: bytes = b"") -> str:
    """Requests, latency, answers, what was not answered and quality, a version and a day; and a picture of it."""
    names = max(days, key=len, default={})
    rows = [[_cell(day.get(name)) for name in names] for day in days]
    body = table_html([name.replace("_", " ") for name in names], rows) if days else "<p>Nothing was asked yet.</p>"
    shown = f"<img alt='requests and latency by day' src='data:image/png;base64,{b64encode(picture).decode()}'>"
    return page(f"{model}: how the prediction service is used", [shown if picture else "", body])


def _head(trials: Sequence[Trial]) -> str:
    if not trials:
        return "no challenger is tried beside the champion"
    return "the same questions, answered by both; a challenger's answers never reached a caller from the shadow"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:,.4g}" if isinstance(value, float) else str(value)


def page(title: str, parts: Sequence[str]) -> str:
    """A page of these parts."""
    head = f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title><style>{STYLE}</style>"
    return f"{head}<h1>{escape(title)}</h1>{''.join(parts)}</html>"
