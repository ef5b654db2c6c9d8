"""`{{ env.X }}` in a declaration, evaluated here: Dagster's own way also unquotes SQL that looks like Python."""

import re
from collections.abc import Mapping
from typing import Any

from dagster.components.resolved.errors import ResolutionException

from mlops_assets.components.origin import ON, Origin
from mlops_assets.errors import SpecError

_WHOLE = re.compile(r"\{\{((?:(?!\}\}).)*)\}\}", re.DOTALL)


def render(value: Any, scope: Mapping[str, Any], origin: Origin, path: tuple[str | int, ...] = ()) -> Any:
    """A declared value with its templates filled in; a template alone keeps the type of what it means.

    Raises:
        SpecError: a template is malformed or has no value.
    """
    if isinstance(value, Mapping):
        named = {"on" if key is ON else key: child for key, child in value.items()}
        return {key: render(child, scope, origin, (*path, key)) for key, child in named.items()}
    if isinstance(value, list | tuple):
        return [render(child, scope, origin, (*path, number)) for number, child in enumerate(value)]
    if isinstance(value, str) and "{{" in value:
        return _evaluate(value, scope, origin.at(*path))
    return value


def _evaluate(text: str, scope: Mapping[str, Any], where: str) -> Any:
    from jinja2 import Environment, StrictUndefined, TemplateError

    environment = Environment(undefined=StrictUndefined, finalize=_valued, autoescape=False)  # noqa: S701 - no HTML
    whole = _WHOLE.fullmatch(text.strip())
    try:
        if whole:
            return _valued(environment.compile_expression(whole[1], undefined_to_none=False)(**scope))
        return environment.from_string(text).render(**scope)
    except (TemplateError, ResolutionException, LookupError, AttributeError, TypeError) as error:
        raise SpecError.of(
            f"{where}: a template has no value: {error}",
            got=text,
            allowed=", ".join(sorted(scope)),
            step="set the environment variable, or give a default: {{ env('NAME', 'value') }}",
        ) from None


def _valued(value: Any) -> Any:
    from jinja2 import StrictUndefined, UndefinedError

    if isinstance(value, StrictUndefined):
        return str(value)  # raises, and names what is undefined
    if value is None:
        raise UndefinedError("it evaluates to nothing")
    return value
