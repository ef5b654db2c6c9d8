"""A `module:name` is looked up in the text of the module, which may be heavy, instead of importing it."""

import ast
from importlib.util import find_spec
from pathlib import Path

from mlops_assets.components.origin import Origin, shown
from mlops_assets.errors import SpecError, UnknownName, nearest


def check(reference: str, origin: Origin, where: str) -> None:
    """Make sure that a reference means something.

    Raises:
        SpecError: there is no such module.
        UnknownName: the module has no such name.
    """
    module, _, name = reference.partition(":")
    file = _file(module, origin, where)
    names = None if file is None else defined(file, where)
    if names is not None and name not in names:
        public = [each for each in names if not each.startswith("_")]
        raise UnknownName.among(f"name in {module}", name, public, where=where, step=f"define {name} in {file}")


def defined(file: Path, where: str) -> set[str] | None:
    """The names that a module defines at its top level; None when that cannot be told from its text.

    Raises:
        SpecError: the file is no Python.
    """
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise SpecError.of(f"{where}: {shown(file)}:{error.lineno} is no Python: {error.msg}") from None
    names = {name for node in _top_level(tree.body) for name in _bound(node)}
    return None if names & {"*", "__getattr__"} else names


def _file(module: str, origin: Origin, where: str) -> Path | None:
    beside = origin.folder / f"{module.replace('.', '/')}.py"
    if beside.is_file():
        return beside
    try:
        found = find_spec(module)
    except (ModuleNotFoundError, ValueError):
        found = None
    if found is None:
        siblings = sorted(file.stem for file in origin.folder.glob("*.py"))
        near = nearest(module, siblings)
        beside_it = f" ({', '.join(siblings)})" if siblings else ""
        raise SpecError.of(
            f"{where}: no module '{module}'",
            allowed=f"a file beside the declaration{beside_it}, or an installed module",
            step=f"did you mean '{near}'?" if near else f"create {shown(beside)}",
        )
    return Path(found.origin) if found.origin and found.origin.endswith(".py") else None


def _top_level(body: list[ast.stmt]) -> list[ast.stmt]:
    """Statements of a module, those under `if` and `try` included."""
    found: list[ast.stmt] = []
    for node in body:
        found.append(node)
        for inner in ("body", "orelse", "finalbody", "handlers"):
            if isinstance(node, ast.If | ast.Try | ast.With):
                for child in getattr(node, inner, []):
                    found += _top_level(child.body if isinstance(child, ast.ExceptHandler) else [child])
    return found


def _bound(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [alias.asname or alias.name.partition(".")[0] for alias in node.names]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [name.id for target in targets if target for name in ast.walk(target) if isinstance(name, ast.Name)]
