"""Where a declaration stands, to the line of each of its values, so that every mistake can be pointed at."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import dagster as dg

from mlops_assets.spec.place import Place

if TYPE_CHECKING:
    from dagster_shared.yaml_utils.source_position import SourcePositionTree

ON = True
"""YAML 1.1 reads the bare key `on` as the boolean true."""


@dataclass(frozen=True)
class Origin:
    """A declaration's folder, file and lines.

    Attributes:
        folder: the folder of the declaration, in which a user's own modules are looked for.
        package: the folder's dotted name; empty when it is no package.
        tree: of the YAML document, the position of each value.
        line: `file:line` of a declaration that has no tree, such as one in Python.
    """

    folder: Path = Path()
    package: str = ""
    tree: "SourcePositionTree | None" = None
    line: str = ""

    @classmethod
    def of(cls, context: dg.ComponentLoadContext) -> Self:
        """Of the component that is being loaded."""
        folder = context.path if context.path.is_dir() else context.path.parent
        package = context.defs_relative_module_name(folder)
        return cls(folder, package, context.resolution_context.source_position_tree, shown(context.path))

    def at(self, *path: str | int) -> str:
        """`file:line` of a value, or of the nearest thing around it that is written down."""
        if self.tree is None:
            return self.line
        node = self.tree
        for segment in ("attributes", *path):
            child = node.children.get(ON if segment == "on" and ON in node.children else segment)
            if child is None:
                break
            node = child
        return f"{shown(Path(node.position.filename))}:{node.position.start.line}"

    @property
    def place(self) -> Place:
        """What the rooms need to find a user's own code."""
        return Place(self.folder, self.package, self.at())


def shown(path: Path) -> str:
    """A path as a user in the working folder would write it."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
