"""How groups of rows are treated: who gets a yes, who is found, who is alarmed for nothing, how far off the scores are.

Demographic parity and equalized odds are told as the widest difference between groups (Hardt, Price and Srebro, 2016,
NeurIPS 29). They are told, not decided: which of them matters is for a person to say.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlops_assets.rooms.evaluate.slices import parts
from mlops_assets.rooms.train.metrics import said_and_happened

if TYPE_CHECKING:
    from mlops_assets.rooms.evaluate.evidence import Evidence
    from mlops_assets.rooms.train.metric import Floats


def groups(evidence: "Evidence") -> list[dict[str, Any]]:
    """A row a group of at least 500 rows: `group`, `n`, `off` and, of a binary task, `yes`, `found` and `alarmed`."""
    rows = []
    for feature in evidence.model.evaluate.groups:
        for part in parts(evidence, feature):
            labels, scores = evidence.labels[part.rows], evidence.challenger.scores[part.rows]
            rows.append(
                {"feature": feature, "group": part.value, "n": len(labels), **_treated(evidence, labels, scores)}
            )
    return rows


def widest(found: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Feature to the widest difference between its groups in each figure."""
    features = dict.fromkeys(row["feature"] for row in found)
    return {feature: _spread([row for row in found if row["feature"] == feature]) for feature in features}


def _treated(evidence: "Evidence", labels: "Floats", scores: "Floats") -> Mapping[str, float]:
    said, happened = said_and_happened(labels, scores)
    off = {"off": float((said - happened).mean())}
    if evidence.task.name != "binary":
        return off
    yes = scores >= evidence.model.threshold
    shares = {"yes": yes, "found": yes[labels > 0], "alarmed": yes[labels == 0]}
    return {**{name: float(rows.mean()) if len(rows) else float("nan") for name, rows in shares.items()}, **off}


def _spread(rows: list[dict[str, Any]]) -> dict[str, float]:
    names = [name for name in ("yes", "found", "alarmed", "off") if all(name in row for row in rows)]
    return {name: max(row[name] for row in rows) - min(row[name] for row in rows) for name in names}
