"""Several models that answer together: the mean of what each says, which none of them says by chance."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


def vote(pipelines: "Sequence[Pipeline]", *, classifies: bool) -> "Pipeline":
    """One pipeline whose answer is the mean of the given ones' (Dietterich, 2000, Multiple Classifier Systems).

    Members that prepare their columns in the same way share the preparation, as a service does it once a row.

    Args:
        pipelines: unfitted, columns and a model each.
        classifies: whether they answer with a probability a class.
    """
    from sklearn.ensemble import VotingClassifier, VotingRegressor
    from sklearn.pipeline import Pipeline

    shared = len({_prepared(each) for each in pipelines}) == 1
    members = [(f"member_{n}", each[-1] if shared else each) for n, each in enumerate(pipelines, start=1)]
    together = (
        VotingClassifier(members, voting="soft", flatten_transform=False) if classifies else VotingRegressor(members)
    )
    return Pipeline([*([("columns", pipelines[0][0])] if shared else []), ("model", together)])


def _prepared(pipeline: "Pipeline") -> str:
    parts: list[tuple[str, Any, list[str]]] = pipeline[0].transformers
    return repr([(name, repr(step), columns) for name, step, columns in parts])
