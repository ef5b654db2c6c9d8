"""What the three nouns share: a spec from YAML or Python, its mistakes told once, and the house around it."""

import inspect
from abc import abstractmethod
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Generic, Self, TypeVar

import dagster as dg
from dagster.components.core.decl import ComponentDecl, ComponentLoaderDecl
from pydantic import BaseModel, RootModel, ValidationError

from mlops_assets.components.house import House
from mlops_assets.components.mistakes import explained
from mlops_assets.components.origin import Origin, shown
from mlops_assets.components.templates import render
from mlops_assets.spec.base import Spec

S = TypeVar("S", bound=Spec)


class Noun(dg.Component, Generic[S]):
    """A spec as a Dagster component."""

    spec_type: ClassVar[type[Spec]]

    def __init__(self, spec: S, origin: Origin | None = None) -> None:
        """Declare a spec; from Python, its origin is found when the definitions are built."""
        self.spec = spec
        self.origin = origin

    @classmethod
    def get_model_cls(cls) -> type[BaseModel]:
        """Take any attributes, with the spec's schema for tools: `load` judges them, and tells each mistake once."""
        return _attributes(cls.spec_type)

    @classmethod
    def load(cls, attributes: BaseModel | None, context: dg.ComponentLoadContext) -> Self:
        """Make the spec from YAML.

        Raises:
            SpecError: the declaration is wrong; file, line, what was given and what is allowed are in it.
        """
        origin = Origin.of(context)
        given = attributes.root if isinstance(attributes, RootModel) else {}
        try:
            spec = cls.spec_type.model_validate(render(given, context.resolution_context.scope, origin))
        except ValidationError as error:
            raise explained(error, cls.spec_type, origin) from None
        return cls(spec, origin)  # type: ignore[arg-type]  # spec_type is what S stands for

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Everything that follows from the spec, in the house that the other declarations make."""
        nouns = list(declared(context.component_tree))
        if self not in [noun for noun, _ in nouns]:
            nouns.append((self, self.origin or Origin.of(context)))
        return self.definitions(House.of((noun.spec, origin) for noun, origin in nouns))

    def definitions(self, house: House) -> dg.Definitions:
        """Everything that follows from the spec.

        Raises:
            SpecError: it names something that is not there.
        """
        self.check(house.origins[type(self.spec), self.name])
        return self.merged(house)

    @property
    def name(self) -> str:
        """The declared name."""
        return str(self.spec.name)  # type: ignore[attr-defined]  # each of the three has one

    def check(self, origin: Origin) -> None:
        """Look up what the spec names that is no noun.

        Raises:
            SpecError: it is not there.
        """

    @abstractmethod
    def merged(self, house: House) -> dg.Definitions:
        """What the rooms build for this noun, together."""


@cache
def _attributes(spec: type[Spec]) -> type[BaseModel]:
    class Attributes(RootModel[dict[str, Any]]):
        @classmethod
        def model_json_schema(cls, *args: Any, **options: Any) -> dict[str, Any]:
            return _bare_on(spec.model_json_schema(*args, **options))

    return Attributes


def _bare_on(schema: dict[str, Any]) -> dict[str, Any]:
    """Let a schema's objects that have an `on` take the bare YAML key, which is read as true."""
    for definition in schema.get("$defs", {}).values():
        if "on" in definition.get("properties", {}):
            definition.pop("additionalProperties", None)
            definition["required"] = [name for name in definition["required"] if name != "on"]
    return schema


def declared(tree: dg.ComponentTree) -> Iterator[tuple[Noun[Any], Origin]]:
    """Every noun of a project, from YAML and from Python, whether its function says what it returns or not."""
    for declaration in tree.find_root_decl().iterate_all_component_decls():
        loader = isinstance(declaration, ComponentLoaderDecl)
        if loader or issubclass(declaration.component_type, Noun):
            noun = tree.load_component(declaration.loc)
            if isinstance(noun, Noun):
                yield noun, noun.origin or _python(declaration)


def _python(declaration: ComponentDecl[Any]) -> Origin:
    """Of a declaration in Python: the line of the function that returns it."""
    context = declaration.context
    folder = context.path if context.path.is_dir() else context.path.parent
    function: Any = getattr(declaration, "component_node_fn", None)
    line = (
        f"{shown(Path(inspect.getfile(function)))}:{function.__code__.co_firstlineno}"
        if function
        else str(context.path)
    )
    return Origin(folder, context.defs_relative_module_name(folder), line=line)
