"""Evidently's own pictures of the rows that a challenger is judged on, beside our page: they decide nothing."""

import os
import re
import warnings
from html import escape
from typing import TYPE_CHECKING, Any, Final

from mlops_assets.errors import StoreError
from mlops_assets.rooms.explore.eda import self_contained
from mlops_assets.rooms.explore.libraries import unscripted
from mlops_assets.rooms.train.fit import REFERENCE

if TYPE_CHECKING:
    import pandas as pd

    from mlops_assets.rooms.evaluate.evidence import Evidence
    from mlops_assets.rooms.train.metric import Floats

ROWS: Final = 5_000
"""Of each side; Evidently's time and its page's size go with them."""
OUTCOME: Final = "what happened"
ANSWER: Final = "what was answered"
SCORE: Final = "score"
YES: Final = "yes"
NOTE: Final = (
    "<div style='font:15px/1.55 system-ui,sans-serif;max-width:880px;margin:1.5rem auto;padding:0 1.2rem'>"
    "<h1 style='font-size:1.5rem'>{model}: version {new}, drawn by Evidently</h1><p>Current: version {new} on the "
    "held-out rows. {reference} At most {rows:,} rows of each side, evenly spread. Nothing here decides: "
    "<a href='{page}'>the evaluation</a> does.</p></div>"
)


def evidently_html(evidence: "Evidence", page: str) -> str:
    """Evidently's classification or regression preset: the challenger against the champion on the same rows.

    Without a champion the reference is the training rows, with the scores that they got out of fold.

    Args:
        evidence: the two models.
        page: where the evaluation's own page is, as a link from this one.

    Raises:
        StoreError: Evidently has written no page to put a word into.
        ValueError: the page would load something from elsewhere.
    """
    current = _frame(evidence, evidence.labels, evidence.challenger.scores)
    known, words = _reference(evidence)
    note = NOTE.format(
        model=escape(evidence.model.name),
        new=evidence.challenger.number,
        reference=words,
        rows=ROWS,
        page=escape(page, quote=True),
    )
    html, inserted = re.subn(r"<body[^>]*>", lambda tag: tag.group(0) + note, _drawn(evidence, current, known), count=1)
    if not inserted:
        raise StoreError.of("Evidently's page has no <body> to say in what it shows", step="pin evidently to 0.7")
    return self_contained(html)


def _reference(evidence: "Evidence") -> "tuple[pd.DataFrame | None, str]":
    champion, bundle = evidence.champion, evidence.challenger.bundle
    if champion is not None and champion.number != evidence.challenger.number:
        rows = _frame(evidence, evidence.labels, champion.scores)
        return rows, f"Reference: version {champion.number}, which is in use, on the same rows."
    if bundle is None or REFERENCE not in bundle.files:
        return None, "There is no reference."
    import pyarrow as pa
    import pyarrow.parquet as pq

    trained = pq.read_table(pa.BufferReader(bundle.files[REFERENCE]))
    rows = _frame(evidence, evidence.task.outcomes(trained["label"]), evidence.task.read(trained))
    return rows, "Reference: the training rows, each scored by a model that had not seen it."


def _frame(evidence: "Evidence", outcomes: "Floats", scores: "Floats") -> "pd.DataFrame":
    """What happened, what was answered and, where there are classes, how probable each was; a class is its name."""
    import numpy as np
    import pandas as pd

    task, rows = evidence.task, np.flatnonzero(outcomes >= 0) if evidence.task.classes else np.arange(len(outcomes))
    rows = rows[np.linspace(0, len(rows) - 1, min(ROWS, len(rows))).astype(np.int64)]
    outcomes, scores = outcomes[rows], scores[rows]
    answers = task.answers(scores, evidence.model.threshold).to_numpy(zero_copy_only=False)
    if task.name == "regression":
        return pd.DataFrame({OUTCOME: outcomes, ANSWER: answers})
    if task.name == "binary":
        texts = {OUTCOME: _text(outcomes), ANSWER: _text(answers)}
        return pd.DataFrame({**texts, SCORE: scores})
    names = _names(evidence)
    happened = np.array(names, dtype=object)[outcomes.astype(np.int64)]
    each = {name: scores[:, place] for place, name in enumerate(names)}
    return pd.DataFrame({OUTCOME: happened, ANSWER: [unscripted(answer) for answer in answers], **each})


def _names(evidence: "Evidence") -> list[str]:
    """The classes, as Evidently can write them into its page."""
    return [str(unscripted(name)) for name in evidence.task.classes]


def _text(values: Any) -> list[str]:
    return [YES if value else "no" for value in values]


def _drawn(evidence: "Evidence", current: "pd.DataFrame", known: "pd.DataFrame | None") -> str:
    os.environ["DO_NOT_TRACK"] = "1"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the libraries that Evidently imports, and of its own arithmetic
        from evidently import Dataset, Report
        from evidently.presets import ClassificationPreset, RegressionPreset

        definition = _definition(evidence)
        preset = RegressionPreset() if evidence.task.name == "regression" else ClassificationPreset()
        here = Dataset.from_pandas(current, data_definition=definition)
        there = None if known is None else Dataset.from_pandas(known, data_definition=definition)
        html: str = Report([preset]).run(here, there).get_html_str(as_iframe=False)
    return html


def _definition(evidence: "Evidence") -> Any:
    from evidently import BinaryClassification, DataDefinition, MulticlassClassification, Regression

    if evidence.task.name == "regression":
        asked = Regression(target=OUTCOME, prediction=ANSWER)
        return DataDefinition(regression=[asked], numerical_columns=[OUTCOME, ANSWER])
    if evidence.task.name == "binary":
        two = BinaryClassification(target=OUTCOME, prediction_labels=ANSWER, prediction_probas=SCORE, pos_label=YES)
        return DataDefinition(classification=[two], categorical_columns=[OUTCOME, ANSWER], numerical_columns=[SCORE])
    names = _names(evidence)
    several = MulticlassClassification(target=OUTCOME, prediction_labels=ANSWER, prediction_probas=names)
    return DataDefinition(classification=[several], categorical_columns=[OUTCOME, ANSWER], numerical_columns=names)
