"""Loading a folder of declarations, so that whatever is wrong in one names its file and line."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from warnings import catch_warnings, filterwarnings, simplefilter

import dagster as dg
import yaml
from dagster.components.core.defs_module import ComponentFileModel, find_defs_or_component_yaml
from dagster.components.core.package_entry import discover_entry_point_package_objects
from dagster_shared.yaml_utils import parse_yamls_with_source_position
from dagster_shared.yaml_utils.source_position import ValueAndSourcePositionTree
from pydantic import PydanticDeprecatedSince20

from mlops_assets.components.origin import shown
from mlops_assets.errors import MlopsError, SpecError, UnknownName

COMPONENTS = ("mlops_assets.Dataset", "mlops_assets.FeatureTable", "mlops_assets.Model")
ITS_OWN = r"Parameter `(execution_type|include_sources)`"
"""Beta parameters that Dagster passes to itself, whenever it makes a repository of checks or resolves a selection."""


def load(defs_folder: Path) -> dg.Definitions:
    """Everything that a package's `defs` folder declares.

    Raises:
        SpecError: a declaration is wrong.
    """
    hush()
    package = module_name(defs_folder)
    root = defs_folder.parents[package.count(".")]
    try:
        with catch_warnings():
            for kind in (dg.BetaWarning, dg.PreviewWarning, PydanticDeprecatedSince20):  # Dagster's own affairs
                simplefilter("ignore", kind)
            tree = dg.ComponentTree.from_module(import_module(package), project_root=root)
            # Not from the tree's root, which adds the schemas of every installed component: a third of the time.
            return dg.Definitions.merge(tree.build_defs(defs_folder), dg.Definitions(component_tree=tree))
    except Exception as error:
        found = _cause(error) or next(_faults(defs_folder, package), None)
        if found is None:
            raise
        raise found.with_traceback(None) from None


def hush() -> None:
    """Show no warning of Dagster's about what only Dagster itself has asked for; every other one is shown."""
    filterwarnings("ignore", ITS_OWN, dg.BetaWarning, r"dagster\._core")


def module_name(folder: Path) -> str:
    """The dotted name of a folder inside a package; the folder itself needs no `__init__.py`."""
    parts = [folder.name]
    while (folder.parent / "__init__.py").is_file():
        folder = folder.parent
        parts.insert(0, folder.name)
    return ".".join(parts)


def _cause(error: BaseException | None) -> MlopsError | None:
    """The platform's own error inside Dagster's, which add nothing but the tree around it."""
    while error is not None and not isinstance(error, MlopsError):
        error = error.__cause__ or error.__context__
    return error


def _faults(folder: Path, package: str) -> Iterator[SpecError]:
    """What keeps the declarations of a folder from being read at all."""
    for directory in sorted({folder, *(path for path in folder.rglob("*") if path.is_dir())}):
        file = find_defs_or_component_yaml(directory)
        if file is None:
            continue
        try:
            documents = parse_yamls_with_source_position(file.read_text(encoding="utf-8"), str(file))
        except yaml.MarkedYAMLError as error:
            line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
            yield SpecError.of(f"{shown(file)}{line}: no YAML: {error.problem}", step="mend its spelling")
            continue
        relative = ".".join([package, *directory.relative_to(folder).parts])
        for document in documents:
            yield from _document_faults(document, file, relative)


def _document_faults(document: ValueAndSourcePositionTree, file: Path, package: str) -> Iterator[SpecError]:
    tree = document.source_position_tree
    if not isinstance(document.value, dict):
        yield SpecError.of(f"{shown(file)}:{tree.position.start.line}: no declaration", allowed="type and attributes")
        return
    keys = list(ComponentFileModel.model_fields)
    for key in document.value:
        if key not in keys:
            line = tree.children[key].position.start.line
            yield UnknownName.among("key of a declaration", str(key), keys, where=f"{shown(file)}:{line}")
    if "type" not in document.value:
        yield SpecError.of(f"{shown(file)}:{tree.position.start.line}: no type", allowed=", ".join(COMPONENTS))
        return
    name = str(document.value["type"])
    if not _exists(f"{package}{name}" if name.startswith(".") else name):
        where = f"{shown(file)}:{tree.children['type'].position.start.line}"
        yield UnknownName.among("type", name, _components(), where=where)


def _exists(typename: str) -> bool:
    """Whether a type can be imported; one that is there but cannot be loaded fails with its own error."""
    module, _, name = typename.rpartition(".")
    try:
        return bool(module) and hasattr(import_module(module), name)
    except ModuleNotFoundError as error:
        if error.name and f"{module}.".startswith(f"{error.name}."):
            return False
        raise


def _components() -> set[str]:
    registered = {
        key.to_typename() for key, found in discover_entry_point_package_objects().items() if _component(found)
    }
    return registered | set(COMPONENTS)


def _component(found: object) -> bool:
    return isinstance(found, type) and issubclass(found, dg.Component)
