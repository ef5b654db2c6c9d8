"""One page for those who decide and do not compute: what was decided, why, what it means, and what happens next."""

from html import escape
from typing import TYPE_CHECKING, Final

from mlops_assets.rooms.evaluate.report import STYLE, plain_words

if TYPE_CHECKING:
    from mlops_assets.rooms.evaluate.evidence import Evidence
    from mlops_assets.rooms.evaluate.verdict import Verdict

ASKED: Final = {
    "complete": "Is there enough to judge by?",
    "unseen": "Was it judged on cases that it had never seen?",
    "leakage": "Does it only use what is known in time?",
    "objective": "Is it better than what is in use?",
    "guard": "Does nothing else that counts get worse?",
    "skill": "Does it know more than the plain average?",
    "calibration": "Does what it says happen as often as it says?",
    "slices": "Does no group of cases suffer?",
    "latency": "Does it answer fast enough?",
    "memory": "Does it fit into memory?",
    "size": "Is it small enough to ship?",
    "bounded": "Does it stay sane when the data is broken?",
    "reproducible": "Could it be made again?",
    "infrastructure": "Does it run on a fresh machine?",
}
NEXT: Final = {
    "ACCEPT": "The new version is released as soon as nobody has to approve it any more.",
    "FIRST_MODEL": "The first version is released as soon as nobody has to approve it any more.",
    "REJECT": "Nothing changes for anybody who uses the answers. The team sees the reasons, and trains again when "
    "there is something new to learn from.",
}


def stakeholders_page(evidence: "Evidence", verdict: "Verdict") -> str:
    """The decision in plain words, self-contained."""
    kind = "yes" if verdict.accepted else "no"
    lines = "".join(
        f"<li class={'ok' if gate.passed else 'bad'}>{'✓' if gate.passed else '✗'} "
        f"{escape(ASKED.get(gate.name, gate.name))}{'' if gate.passed else f' <span>{escape(gate.reason)}</span>'}</li>"
        for gate in verdict.gates
    )
    about = evidence.model.description or f"It answers '{evidence.model.target.column}'."
    parts = [
        f"<h1>{escape(verdict.model)}</h1><p class=sub>{escape(about)}</p>",
        f"<div class='word {kind}'><b>{escape(plain_words(verdict))}</b></div>",
        f"<h2>What it means</h2><p>{escape(_meaning(evidence))}</p>",
        f"<h2>What was asked of it</h2><ul>{lines}</ul>",
        f"<h2>What happens next</h2><p>{escape(NEXT[verdict.decision])}</p>",
    ]
    style = STYLE + "ul{list-style:none;padding:0}li{padding:.25rem 0}.bad{color:#b45309}.bad span{color:#6b7280}"
    title = f"<title>{escape(verdict.model)}: {verdict.decision}</title>"
    return f"<!doctype html><html lang=en><meta charset=utf-8>{title}<style>{style}</style>{''.join(parts)}</html>"


def _meaning(evidence: "Evidence") -> str:
    scores, labels = evidence.challenger.scores, evidence.labels
    if evidence.task.name == "regression":
        mae = evidence.metrics["mae"]
        new, old = mae(labels, scores), mae(labels, evidence.incumbent)
        return f"Its answers miss by {new:.3g} on average; those of {evidence.incumbent_name} miss by {old:.3g}."
    if evidence.task.name == "multiclass":
        right = evidence.metrics["accuracy"]
        new, old = right(labels, scores), right(labels, evidence.incumbent)
        return f"{new:.0%} of its answers are right; of those of {evidence.incumbent_name} {old:.0%} are."
    tenth = max(1, len(scores) // 10)
    new, old = (float(labels[each.argsort()[-tenth:]].mean()) for each in (scores, evidence.incumbent))
    said = (
        f"Of 100 cases {labels.mean() * 100:.0f} happen. Of the 100 that the new version warns of most, {new * 100:.0f}"
    )
    if not evidence.champion:
        return f"{said} do."
    return f"{said} do; of those that {evidence.incumbent_name} warns of most, {old * 100:.0f}."
