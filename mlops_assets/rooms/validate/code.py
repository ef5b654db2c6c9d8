"""What a Python check does, as a digest: its own code and that of its user's code that it refers to, in any module."""

import hashlib
from collections.abc import Iterator
from functools import partial
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any, Final

from mlops_assets.spec.own_code import shared

_PLAIN: Final = (str, int, float, bool, bytes, type(None), tuple, list, dict, set, frozenset)


def digest(function: Any, arguments: object = None) -> str:
    """Digest of a callable's code, 12 hex digits; comments, line numbers and formatting do not count.

    Args:
        function: as pandera holds it.
        arguments: with which it is called, as far as they are plain values.

    >>> digest(lambda x: x > 1) == digest(lambda x: x > 1), digest(lambda x: x > 1) == digest(lambda x: x > 2)
    (True, False)
    """
    parts = [_plain(arguments), *_parts(function, set())]
    return hashlib.sha256("\n".join(parts).encode(errors="surrogatepass")).hexdigest()[:12]


def _parts(value: Any, seen: set[int]) -> Iterator[str]:
    """All that decides what a value does, each thing once: code, defaults, and the names that it refers to."""
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, FunctionType):
        yield from _function(value, seen)
    elif isinstance(value, MethodType):
        yield from _parts(value.__func__, seen)
    elif isinstance(value, partial):
        yield _plain([value.args, value.keywords])
        yield from _parts(value.func, seen)
    elif hasattr(value, "check_fn"):  # a method of a pandera model
        yield from _parts(value.check_fn, seen)
    elif isinstance(value, _PLAIN):
        yield _plain(value)
    elif isinstance(value, type):
        yield from _class(value, seen)
    else:
        yield getattr(value, "__qualname__", type(value).__qualname__)


def _function(function: FunctionType, seen: set[int]) -> Iterator[str]:
    yield from _code(function.__code__)
    yield _plain([function.__defaults__, function.__kwdefaults__])
    for cell in function.__closure__ or ():
        yield from _parts(cell.cell_contents, seen)
    for name in sorted(_names(function.__code__) & set(function.__globals__)):
        found = function.__globals__[name]
        if isinstance(found, ModuleType) and shared(function.__module__, found.__name__):
            for member in sorted(_names(function.__code__) & set(vars(found))):
                yield f"{name}.{member}"
                yield from _parts(getattr(found, member), seen)
        elif isinstance(found, _PLAIN) or shared(function.__module__, str(getattr(found, "__module__", None) or "-")):
            yield name
            yield from _parts(found, seen)


def _class(found: type, seen: set[int]) -> Iterator[str]:
    yield found.__qualname__
    for name, member in sorted(vars(found).items()):
        if isinstance(member, FunctionType | staticmethod | classmethod):
            yield name
            yield from _parts(getattr(member, "__func__", member), seen)


def _code(code: CodeType) -> Iterator[str]:
    yield f"{code.co_code.hex()} {code.co_names} {code.co_varnames}"
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _code(constant)
        else:
            yield _plain(constant)


def _names(code: CodeType) -> set[str]:
    inner = [_names(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*inner)


def _plain(value: Any) -> str:
    """A plain value as text, the same in every process: a set has no order."""
    if isinstance(value, set | frozenset):
        return f"{{{', '.join(sorted(map(_plain, value)))}}}"
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_plain, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_plain(key)}: {_plain(each)}' for key, each in value.items())}}}"
    return repr(value) if isinstance(value, _PLAIN) else type(value).__qualname__
