"""Outcomes and corrections, told by prediction id: once, late or twice, whatever arrives is kept and counts once."""

import math
import time
from typing import Annotated, Any, Final, Literal

import msgspec

from mlops_assets.rooms.serve.line import Line
from mlops_assets.rooms.serve.problems import Problem, fault

FOLDER: Final = "_feedback"
_Id = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]


class Outcome(msgspec.Struct, forbid_unknown_fields=True):
    """What became of a prediction.

    Attributes:
        id: of the prediction.
        model: that made it.
        label: the truth; null takes an earlier one back.
        kind: `outcome` as it happened, `correction` by a person, who is believed more.
        at: when it was known, in seconds since 1970; left out: now.
        who: told it.
    """

    id: _Id
    model: str
    label: bool | float | Annotated[str, msgspec.Meta(max_length=256)] | None
    kind: Literal["outcome", "correction"] = "outcome"
    at: Annotated[float, msgspec.Meta(ge=0, le=253402300799)] | None = None
    who: Annotated[str, msgspec.Meta(max_length=256)] = ""


class Many(msgspec.Struct, forbid_unknown_fields=True):
    """Several at once."""

    feedback: Annotated[list[Outcome], msgspec.Meta(max_length=10_000)]


_ONE: Final = msgspec.json.Decoder(Outcome)
_MANY: Final = msgspec.json.Decoder(Many)


def outcomes(body: bytes, lines: dict[str, Line]) -> list[Outcome]:
    """What a body tells: one outcome, or `{"feedback": [...]}`.

    Raises:
        Problem: 400, 404 for a model that is not served, 422 for a label that is none of its task.
    """
    try:
        given = msgspec.json.decode(body)
        several = isinstance(given, dict) and "feedback" in given
        found = _MANY.decode(body).feedback if several else [_ONE.decode(body)]
    except msgspec.ValidationError as error:
        where = str(error).partition(" - at `$")[2].rstrip("`").lstrip(".")
        what = fault(where, "missing, unknown or of the wrong type", list(Outcome.__struct_fields__))
        raise Problem(422, what) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise Problem(400, fault("", "not JSON, or nested too deeply", "one JSON object")) from None
    for outcome in found:
        _judge(outcome, lines)
    return found


def record(outcome: Outcome) -> bytes:
    """As the log keeps it."""
    now = time.time()
    told = {**msgspec.structs.asdict(outcome), "at": outcome.at or now, "told": now}
    return msgspec.json.encode(told)


def _judge(outcome: Outcome, lines: dict[str, Line]) -> None:
    line = lines.get(outcome.model)
    if line is None or line.champion is None:
        raise Problem(404, fault("model", "no such model is served", sorted(lines)))
    manifest = line.champion.manifest
    if outcome.label is None:
        return
    task, label = manifest["task"], outcome.label
    allowed: Any = {"binary": [0, 1, False, True], "multiclass": manifest["classes"]}.get(task)
    if task == "regression":
        fits = isinstance(label, int | float) and not isinstance(label, bool) and math.isfinite(label)
    else:
        fits = label in allowed
    if not fits:
        raise Problem(422, fault("label", f"no label of a {task} model", allowed or "a finite number"))
