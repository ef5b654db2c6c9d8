"""Which task a model has: as it is declared, or else as its labels tell."""

from typing import TYPE_CHECKING, Any, Final

from mlops_assets.errors import TrainingError
from mlops_assets.rooms.label.tasks import TASKS, Multiclass, class_name
from mlops_assets.spec.model import TaskName

if TYPE_CHECKING:
    import pyarrow as pa

    from mlops_assets.rooms.label.task import Task
    from mlops_assets.spec.model import Model

MAX_CLASSES: Final = 20
"""Whole numbers of no more values than this are classes where nobody says otherwise."""


def task_of(model: "Model", labels: "pa.ChunkedArray", before: "pa.ChunkedArray | None" = None) -> "Task":
    """The task that a model declares, or else the one that its labels tell; with the classes that there are.

    Args:
        model: the declaration.
        labels: as they are kept; null where there is none.
        before: labels that were there earlier, and so decide what the later ones have to be.

    Raises:
        TrainingError: the labels are text, which only a multiclass task can answer with.
    """
    told = model.told_task or told_by(before if before is not None and len(before.drop_null()) else labels)
    if told == "multiclass":
        seen = _seen(labels) | (_seen(before) if before is not None else set())
        return Multiclass(model.target.classes or tuple(class_name(label) for label in sorted(seen)))
    if is_text(labels):
        raise TrainingError.of(
            f"the labels of {told} model '{model.name}' are text",
            allowed="numbers",
            step="declare task: multiclass, or give target.expression",
        )
    return TASKS[told]()


def told_by(labels: "pa.ChunkedArray") -> TaskName:
    """The task that labels suggest: 0 and 1 are yes and no, text and few whole numbers are classes, the rest values.

    >>> import pyarrow as pa
    >>> told_by(pa.chunked_array([[0.0, 1.0]])), told_by(pa.chunked_array([["a"]])), told_by(pa.chunked_array([[0.5]]))
    ('binary', 'multiclass', 'regression')
    """
    if is_text(labels):
        return "multiclass"
    seen = _seen(labels)
    if seen <= {0, 1}:
        return "binary"
    return (
        "multiclass" if len(seen) <= MAX_CLASSES and all(float(label).is_integer() for label in seen) else "regression"
    )


def is_text(labels: "pa.ChunkedArray") -> bool:
    """Whether labels are words."""
    import pyarrow as pa

    return bool(pa.types.is_string(labels.type) or pa.types.is_large_string(labels.type))


def _seen(labels: "pa.ChunkedArray") -> set[Any]:
    import pyarrow.compute as pc

    return set(pc.unique(labels.drop_null()).to_pylist())
