"""A question as a model may be asked it: decoded and judged in one pass by a type made from the bundle's schema.

A wrong question is looked at again, field by field, so that its caller hears of every mistake at once.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, NamedTuple, Union

import msgspec

from mlops_assets.rooms.release.schema import LARGEST
from mlops_assets.rooms.serve.problems import Problem, fault

Row = tuple[Any, ...]
"""A value a feature, in the order of the schema."""
LONGEST_TEXT: Final = 256
MANY: Final = 20
"""Faults told at once, and categories listed in one."""
_ID = r"^[A-Za-z0-9_.:-]{1,64}$"
_Scalar = Union[str, int, float, bool, None]  # noqa: UP007 - a type made at run time is spelled as msgspec reads it


class Many(NamedTuple):
    """Many questions of one body.

    Attributes:
        rows: of inputs.
        keys: instead of them.
    """

    rows: Sequence[msgspec.Struct]
    keys: Sequence[Mapping[str, Any]] = ()


class Questions:
    """Decodes the questions to one model."""

    def __init__(self, schema: Sequence[Mapping[str, Any]]) -> None:
        """Make the types from the schema of the bundle's manifest."""
        self.schema = schema
        self.names = tuple(entry["name"] for entry in schema)
        fields = [(f"f{place}", _kind(entry)) for place, entry in enumerate(schema)]
        rename = {f"f{place}": name for place, name in enumerate(self.names)}
        self.inputs = msgspec.defstruct("Inputs", fields, rename=rename, forbid_unknown_fields=True, gc=False)
        ask = [
            ("inputs", self.inputs | msgspec.UnsetType, msgspec.UNSET),
            ("key", dict[str, _Scalar] | msgspec.UnsetType, msgspec.UNSET),
            ("id", Annotated[str, msgspec.Meta(pattern=_ID)] | msgspec.UnsetType, msgspec.UNSET),
            ("client", Annotated[str, msgspec.Meta(max_length=LONGEST_TEXT)], ""),
            ("explain", bool, False),
        ]
        self.ask = msgspec.defstruct("Question", ask, forbid_unknown_fields=True)
        self._one: msgspec.json.Decoder[Any] = msgspec.json.Decoder(self.ask)
        rows: Any = list[self.inputs]  # type: ignore[name-defined]  # a type made at run time
        asks = [
            ("instances", rows | msgspec.UnsetType, msgspec.UNSET),
            ("keys", list[dict[str, _Scalar]] | msgspec.UnsetType, msgspec.UNSET),
        ]
        many = msgspec.defstruct("Questions", asks, forbid_unknown_fields=True)
        self._many: msgspec.json.Decoder[Any] = msgspec.json.Decoder(many)

    def one(self, body: bytes) -> Any:
        """A question: `inputs` or `key`, and perhaps `id`, `client` and `explain`.

        Raises:
            Problem: 400 when it is not JSON, 422 when it does not fit the schema.
        """
        try:
            found = self._one.decode(body)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise self._told(body, error) from None
        if (found.inputs is msgspec.UNSET) == (found.key is msgspec.UNSET):
            raise Problem(422, fault("inputs", "give either the inputs or the key", ["inputs", "key"]))
        return found

    def many(self, body: bytes) -> "Many":
        """The rows of `{"instances": [...]}`, or the keys of `{"keys": [...]}`.

        Raises:
            Problem: 400 when it is not JSON, 422 when a row does not fit the schema.
        """
        try:
            found = self._many.decode(body)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise self._told(body, error) from None
        if (found.instances is msgspec.UNSET) == (found.keys is msgspec.UNSET):
            raise Problem(422, fault("instances", "give either the inputs or the keys", ["instances", "keys"]))
        return Many(found.instances or [], found.keys or [])

    def _told(self, body: bytes, error: Exception) -> Problem:
        """Every mistake in the body, or else what the decoder stumbled over first."""
        try:
            given = msgspec.json.decode(body)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as deeper:
            if "out of range" in str(deeper):
                return Problem(422, fault("", "a number is too large", f"at most {LARGEST:g}"))
            return Problem(400, fault("", "not JSON, or nested too deeply", "one JSON object; no value is null"))
        if not isinstance(given, dict):
            return Problem(422, fault("", "not an object", "a JSON object"))
        rows = given.get("instances") if "instances" in given else [given.get("inputs")]
        faults = []
        for number, row in enumerate(rows if isinstance(rows, list) else []):
            prefix = f"instances[{number}]." if "instances" in given else "inputs."
            faults += self.faults(row, prefix) if isinstance(row, dict) else []
            if len(faults) >= MANY:
                break
        return Problem(422, *(faults[:MANY] or [_first(str(error))]))

    def faults(self, row: Mapping[str, Any], prefix: str = "") -> list[dict[str, Any]]:
        """What is wrong with a row of inputs."""
        found = [fault(prefix + str(name), "unknown field", list(self.names)) for name in row if name not in self.names]
        missing = [entry for entry in self.schema if entry["name"] not in row]
        found += [fault(prefix + entry["name"], "missing", allowed(entry)) for entry in missing]
        return found + self.wrong(row, prefix)

    def wrong(self, row: Mapping[str, Any], prefix: str = "") -> list[dict[str, Any]]:
        """What is wrong with the values that are there."""
        return [
            fault(prefix + entry["name"], problem, allowed(entry))
            for entry in self.schema
            if entry["name"] in row and (problem := _problem(entry, row[entry["name"]]))
        ]


def allowed(entry: Mapping[str, Any]) -> str:
    """What a feature may be, in words.

    >>> allowed({"kind": "number", "nullable": True})
    'a number of at most 3.40282e+38, or null'
    """
    null = ", or null" if entry["nullable"] else ""
    if entry["kind"] == "number":
        return f"a number of at most {LARGEST:g}{null}"
    known = entry["categories"]
    if entry["unknown"] == "allow" or not known:
        return f"text of at most {LONGEST_TEXT} characters{null}"
    more = f" and {len(known) - MANY} more" if len(known) > MANY else ""
    return f"{', '.join(known[:MANY])}{more}{null}"


def _problem(entry: Mapping[str, Any], value: Any) -> str:
    """What is wrong with a value, without the value; empty when nothing is."""
    if value is None:
        return "" if entry["nullable"] else "null"
    if entry["kind"] == "number":
        if isinstance(value, bool) or not isinstance(value, int | float):
            return "not a number"
        return "" if abs(value) <= LARGEST else "out of range"  # neither NaN nor an integer beyond any float is
    if not isinstance(value, str):
        return "not text"
    if entry["unknown"] == "allow" or not entry["categories"]:
        return "" if len(value) <= LONGEST_TEXT else "too long"
    return "" if value in entry["categories"] else "unknown category"


def _kind(entry: Mapping[str, Any]) -> Any:
    if entry["kind"] == "number":
        kind: Any = Annotated[float, msgspec.Meta(ge=-LARGEST, le=LARGEST)]
    elif entry["unknown"] == "allow" or not entry["categories"]:
        kind = Annotated[str, msgspec.Meta(max_length=LONGEST_TEXT)]
    else:
        kind = Literal[tuple(entry["categories"])]
    return kind | None if entry["nullable"] else kind


def _first(said: str) -> dict[str, Any]:
    """The decoder's own complaint, without the value that it may quote."""
    problem, _, where = said.partition(" - at `")
    field = where.rstrip("`").removeprefix("$").lstrip(".")
    if "missing required field" in problem or "unknown field" in problem:
        name = problem.split("`")[1]
        kind = "missing" if "missing" in problem else "unknown field"
        return fault(f"{field}.{name}".strip("."), kind)
    return fault(field, "of the wrong type or form")
