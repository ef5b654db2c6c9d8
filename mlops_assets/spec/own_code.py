"""Whose code a module is: what a user's function is made of, beyond the file in which it stands."""

import ast
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

_PLATFORM: Final = "mlops_assets"
_USERS: Final = "mlops_assets.defs"
_INSTALLED: Final = ("site-packages", "dist-packages")


def source(module: str) -> Path | None:
    """The Python file of a module, which is not imported; None where it has none, or there is no such module."""
    top, *inner = module.split(".")
    try:
        found = find_spec(top)
    except (ModuleNotFoundError, ValueError):
        return None
    places = [Path(place, *inner) for place in (found and found.submodule_search_locations) or ()]
    files = [file for place in places for file in (place.with_name(f"{place.name}.py"), place / "__init__.py")]
    if not inner:
        files = [Path(found.origin)] if found and found.origin else []
    return next((file for file in files if file.suffix == ".py" and file.is_file()), None)


def shared(module: str, other: str) -> bool:
    """Whether two modules are one user's code: of one package, or both without one; the platform is nobody's.

    >>> shared("shop.churn.contract", "shop.checks"), shared("shop.contract", "pandas.core")
    (True, False)
    >>> shared("mlops_assets.defs.a.contract", "mlops_assets.keys")
    False
    """
    if not (_users(module) and _users(other)):
        return False
    if module.partition(".")[0] == other.partition(".")[0]:
        return True
    files = source(module), source(other)
    return "." not in module + other and None not in files and files[0].parent == files[1].parent  # type: ignore[union-attr]


def files(module: str) -> dict[str, Path]:
    """A module and all of its user's own modules that it imports, wherever the import stands; by name, sorted.

    An installed library is one file: what it imports is told by the environment's lock.
    """
    found: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = source(name) if name not in found else None
        if path is None:
            continue
        found[name] = path
        if not set(_INSTALLED) & set(path.parts):
            waiting += [each for each in _imported(name, path) if shared(module, each)]
    return dict(sorted(found.items()))


def _users(module: str) -> bool:
    return module.partition(".")[0] != _PLATFORM or module.startswith(f"{_USERS}.")


def _imported(module: str, path: Path) -> Iterator[str]:
    """The modules that a file may import; a name that it takes from a package may be a module of its own."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*parts, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
