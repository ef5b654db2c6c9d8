"""Pydantic's findings in a house error's words: file, line, what was given, what is allowed, and the nearest name."""

import re
from collections.abc import Iterator, Mapping
from types import NoneType
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from mlops_assets.components.origin import Origin
from mlops_assets.errors import SpecError, UnknownName, nearest

_KINDS = {
    "tuple_type": "a list",
    "dict_type": "a mapping of names to values",
    "model_type": "a mapping of keys to values",
    "string_type": "text",
    "string_too_short": "text that is not empty",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "time_delta_type": "a duration such as 15m, 3h, 1d or 2w",
    "string_pattern_mismatch": "a name: lower-case letters, digits and _, starting with a letter, at most 63",
}


def explained(error: ValidationError, spec: type[BaseModel], origin: Origin) -> SpecError:
    """The one error that tells every mistake of a declaration."""
    details = error.errors(include_url=False)
    mistakes = [_mistake(each, spec, origin) for each in details if not _meant(each, details)]
    if len(mistakes) == 1:
        return mistakes[0]
    return SpecError("\n".join(["several mistakes:", *map(str, mistakes)]))


def _meant(missing: ErrorDetails, details: list[ErrorDetails]) -> bool:
    """Whether a missing key is there after all, misspelt, and is told as such."""
    if missing["type"] != "missing":
        return False
    *parent, name = missing["loc"]
    beside = [each["loc"] for each in details if each["type"] == "extra_forbidden"]
    return any(nearest(str(given), [str(name)]) for *around, given in beside if around == parent)


def _mistake(detail: ErrorDetails, spec: type[BaseModel], origin: Origin) -> SpecError:
    tagged = tuple(part for part in detail["loc"] if part != "[key]")
    path = _untagged(spec, tagged)
    where, kind, dotted = origin.at(*path), detail["type"], ".".join(map(str, path))
    if kind == "extra_forbidden":
        model = _type_at(spec, tagged[:-1])
        return UnknownName.among(f"key in {_named(model, path[:-1])}", str(path[-1]), _keys(model), where=where)
    if kind == "missing":
        model = _type_at(spec, tagged[:-1])
        return SpecError.of(
            f"{where}: {_named(model, path[:-1])} needs '{path[-1]}'", step=_about(model, str(path[-1]))
        )
    if kind == "literal_error":
        allowed = re.findall(r"'([^']*)'", str(detail["ctx"]["expected"]))
        return UnknownName.among(_label(path), str(detail["input"]), allowed, where=where)
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _untold(detail, spec, tagged, where)
    if kind == "value_error":
        return _explained_already(detail["ctx"]["error"], where, dotted)
    allowed_kind = _KINDS.get(kind, detail["msg"].removeprefix("Input should be "))
    given = "(hidden)" if path and _type_at(spec, path) is SecretStr else _given(detail["input"])
    return SpecError.of(f"{where}: wrong value for {dotted or spec.__name__}", got=given, allowed=allowed_kind)


def _untold(detail: ErrorDetails, spec: type[BaseModel], tagged: tuple[int | str, ...], where: str) -> SpecError:
    """Of a choice by `kind`, whose kind is missing or unknown."""
    kinds, dotted = list(_choices(_type_at(spec, tagged))), ".".join(map(str, tagged))
    if detail["type"] == "union_tag_invalid":
        return UnknownName.among(f"kind of {_label(tagged)}", str(detail["ctx"]["tag"]), kinds, where=where)
    return SpecError.of(f"{where}: {dotted} needs 'kind'", got=_given(detail["input"]), allowed=", ".join(kinds))


def _choices(declared: Any) -> dict[str, type[BaseModel]]:
    """Of a choice by `kind`: each kind and its model; nothing of any other type."""
    union = get_args(declared)[0] if get_origin(declared) is Annotated else declared
    models = [each for each in get_args(union) if isinstance(each, type) and issubclass(each, BaseModel)]
    kinds = {each: each.model_fields.get("kind") for each in models}
    return {str(get_args(field.annotation)[0]): model for model, field in kinds.items() if field}


def _untagged(spec: type[BaseModel], tagged: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """The path without the kinds that Pydantic puts between a choice and its keys."""
    return tuple(part for n, part in enumerate(tagged) if part not in _choices(_type_at(spec, tagged[:n])))


def _explained_already(error: object, where: str, dotted: str) -> SpecError:
    if isinstance(error, UnknownName):
        return UnknownName(f"{where}: {error}")
    return SpecError.of(f"{where}: {dotted}: {error}" if dotted else f"{where}: {error}")


def _given(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."  # noqa: PLR2004 - a line's worth


def _label(path: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in path if not isinstance(part, int)) or "value"


def _named(model: Any, path: tuple[int | str, ...]) -> str:
    return f"{model.__name__} ({'.'.join(map(str, path))})" if path else str(model.__name__)


def _keys(model: type[BaseModel]) -> list[str]:
    return list(model.model_fields)


def _about(model: type[BaseModel], name: str) -> str:
    described = model.model_fields[name].description if name in model.model_fields else None
    return f"add {name}: {described[0].lower()}{described[1:]}".rstrip(".") if described else f"add {name}"


def _type_at(spec: type[BaseModel], path: tuple[int | str, ...]) -> Any:
    """The type that is declared for a value inside a spec."""
    found: Any = spec
    for part in path:
        found = _plain(next(_inside(found, part), Any))
    return found


def _inside(declared: Any, part: int | str) -> Iterator[Any]:
    choices = _choices(declared)
    if part in choices:
        yield choices[str(part)]
    if isinstance(declared, type) and issubclass(declared, BaseModel):
        if str(part) in declared.model_fields:
            yield declared.model_fields[str(part)].annotation
    elif get_origin(declared) in (dict, Mapping):
        yield get_args(declared)[1]
    elif get_args(declared):
        yield get_args(declared)[0]


def _plain(declared: Any) -> Any:
    """A type without `| None`; Pydantic has taken the rest off already."""
    choices = [each for each in get_args(declared) if each is not NoneType]
    return choices[0] if NoneType in get_args(declared) else declared
