"""The text of a first declaration, written after a look at the data, for its user to edit."""

import json
import re
from collections.abc import Iterable, Sequence
from datetime import timedelta

import yaml

from mlops_assets.components.glance import Glance
from mlops_assets.errors import SpecError
from mlops_assets.rooms.label.inference import MAX_CLASSES

_YES = ("1", "true", "t", "yes", "y")
_HOLDOUT = timedelta(days=28)
_MIN_LABELS = 500
_NUMBERED = "  # no column names a row, so each is named by its batch and place: key: [a, b] is better where it can be"


def dataset(name: str, seen: Glance, key: Sequence[str], event_time: str | None) -> str:
    """A Dataset's document; without a key, its rows are numbered."""
    times = [column.name for column in seen.columns if column.kind == "time" and column.name != event_time]
    number = seen.fresh("row")
    source = f"files: {scalar(seen.source)}" + ("" if key else f", numbered: {number}")
    lines = [
        "type: mlops_assets.Dataset",
        "attributes:",
        f"  name: {name}",
        f"  source: {{{source}}}  # a glob takes many: one file is one batch, named by its stem",
        f"  key: [{', '.join(map(scalar, key or [number]))}]{'' if key else _NUMBERED}",
        f"  event_time: {scalar(event_time)}" if event_time else "  # event_time: the column with the event's moment",
        *([f"  # other times: {', '.join(times)}"] if times else []),
        "  # contract: contract:Name  # a pandera model beside this file; left out: inferred, then frozen",
    ]
    return "\n".join(lines) + "\n"


def feature_table(name: str, of: str, seen: Glance, apart: Iterable[str]) -> str:
    """A FeatureTable's document: every column that is neither key, time nor target, where it can be a feature.

    Raises:
        SpecError: no column can.
    """
    apart = set(apart)
    others = [column for column in seen.columns if column.name not in apart]
    reasons = {column.name: column.left_out(seen.rows) for column in others}
    features = [column.name for column in others if not reasons[column.name]]
    if not features:
        raise SpecError.of(f"{seen.source}: no column can be a feature", got=", ".join(reasons) or "none is left")
    lines = [
        "type: mlops_assets.FeatureTable",
        "attributes:",
        f"  name: {name}",
        f"  dataset: {of}",
        "  columns:  # feature: SQL over columns that are known at the event time; take out what is known only later",
        *(f"    {feature}: {scalar(seen.identifier(column))}" for feature, column in _feature_names(features)),
        *(f"    # left out: {column} ({reason})" for column, reason in reasons.items() if reason),
    ]
    return "\n".join(lines) + "\n"


def model(name: str, features: str, seen: Glance, target: str, event_time: str | None) -> str:
    """A Model's document, for the task that the target's values tell.

    Raises:
        SpecError: the target can be no answer.
    """
    told, task = _target(seen, target), _task(seen, target)
    lines = [
        "type: mlops_assets.Model",
        "attributes:",
        f"  name: {name}",
        f"  target: {told}",
        f"  features: [{features}]",
        *task,
        *_small(seen, event_time),
    ]
    return "\n".join(lines) + "\n"


def slug(name: str) -> str:
    """A name that a noun or a feature may have.

    >>> slug("Tenure (Months)")
    'tenure_months'
    """
    found = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:60]
    return found if found[:1].isalpha() else f"c_{found}"


def scalar(text: str) -> str:
    """Text as YAML, quoted only where it must be.

    >>> scalar("tenure"), scalar("no")
    ('tenure', '"no"')
    >>> print(scalar('"Last Name"'))
    '"Last Name"'
    """
    plain = re.fullmatch(r"[A-Za-z_./][\w./*-]*", text) and yaml.safe_load(text) == text
    if plain:
        return text
    return f"'{text}'" if '"' in text and "'" not in text else json.dumps(text, ensure_ascii=False)


def _task(seen: Glance, target: str) -> list[str]:
    """What kind of answer, and the metric that decides: told by the target's values, for its user to correct."""
    column = seen.column(target, "--target")
    if target in seen.pairs:
        return ["  objective: roc_auc"]
    if column.kind == "category":
        return [f"  task: multiclass  # {column.distinct} classes", "  objective: log_loss"]
    if column.kind == "whole" and column.distinct <= MAX_CLASSES:
        said = f"{column.distinct} whole numbers; if they are amounts: regression, and rmse"
        return [f"  task: multiclass  # {said}", "  objective: log_loss"]
    return ["  task: regression", "  objective: rmse  # or mae, r2"]


def _unfit(seen: Glance, target: str) -> str:
    """Why a column can be no target; empty when it can."""
    column = seen.column(target, "--target")
    fewest = 2
    if column.distinct < fewest:
        return "it never changes"
    if column.kind == "time":
        return "it is a time"
    return f"text with {column.distinct:,} values" if column.left_out(seen.rows) and column.kind == "category" else ""


def _target(seen: Glance, target: str) -> str:
    unfit = _unfit(seen, target)
    if unfit:
        raise SpecError.of(
            f"{seen.source}: the target '{target}' can be no answer",
            got=unfit,
            allowed="yes and no in any spelling, a few classes, or numbers",
            step="choose another --target, or write an expression in the declaration",
        )
    if target not in seen.pairs:
        return f"{{column: {scalar(target)}}}"
    pair = seen.pairs[target]
    if {str(value).lower() for value in pair} in ({"0", "1"}, {"false", "true"}):
        return f"{{column: {scalar(target)}}}"
    yes = next((value for value in pair if str(value).lower() in _YES), pair[0])
    literal = "'" + str(yes).replace("'", "''") + "'"
    expression = scalar(f"{seen.identifier(target)} = {literal}")
    return f"{{column: {scalar(target)}, expression: {expression}}}  # {target}: {pair[0]} or {pair[1]}"


def _small(seen: Glance, event_time: str | None) -> list[str]:
    """What the defaults would ask too much of, in data this small."""
    few, labels = seen.rows < 2 * _MIN_LABELS, max(50, seen.rows // 2)
    judged = max(30, labels // 10)
    rest = [
        f"  evaluate: {{min_rows: {judged}}}  # rows a verdict asks for, of 100 by default",
        f"  retrain: {{min_new_labels: {labels}}}",
    ]
    return _train(seen, event_time, labels if few else None) + (rest if few else [])


def _train(seen: Glance, event_time: str | None, labels: int | None) -> list[str]:
    lines = [] if labels is None else [f"    min_labels: {labels}  # of {seen.rows:,} rows"]
    span = seen.span.get(event_time) if event_time else None
    if span is not None and span < 5 * _HOLDOUT:
        hours = max(1, int(span.total_seconds() // 3600 // 5))
        lines.append(f"    holdout: {f'{hours // 24}d' if hours >= 24 else f'{hours}h'}  # a fifth of the time")  # noqa: PLR2004
    return ["  train:", *lines] if lines else []


def _feature_names(columns: Sequence[str]) -> list[tuple[str, str]]:
    """A feature's name for each column; two that would read the same are numbered."""
    taken: dict[str, str] = {}
    for column in columns:
        name = slug(column)
        number = 2
        while name in taken:
            name, number = f"{slug(column)}_{number}", number + 1
        taken[name] = column
    return list(taken.items())
