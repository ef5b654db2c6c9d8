"""Where a declaration stands, so that `module:name` finds the user's own code beside it."""

import hashlib
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mlops_assets.errors import SpecError, UnknownName
from mlops_assets.spec import own_code


@dataclass(frozen=True)
class Place:
    """A folder of declarations and the package that it is.

    Attributes:
        folder: the folder on disk.
        package: its dotted name; empty when it is no package.
        declared_at: file and line of the declaration, for error messages.
    """

    folder: Path
    package: str = ""
    declared_at: str = ""

    def module(self, name: str) -> str:
        """The full name of the module that a reference means: beside the declaration first, then anywhere.

        Raises:
            SpecError: there is no such module.
        """
        if self.package and (self.folder / f"{name.replace('.', '/')}.py").is_file():
            return f"{self.package}.{name}"
        try:
            found = find_spec(name)
        except ModuleNotFoundError:
            found = None
        if found is None:
            raise SpecError.of(
                f"{self.declared_at}: no module '{name}'",
                allowed=f"a file {name}.py beside the declaration, or an installed module",
                step=f"create {self.folder / name}.py",
            )
        return name

    def digest(self, reference: str) -> str:
        """SHA-256 of the file that a reference names and of the user's own modules that it imports; 64 hex digits.

        Nothing is imported for it: the module may be heavy. What is installed is told by the environment's lock.

        Raises:
            SpecError: there is no such module.
        """
        name = self.module(reference.partition(":")[0])
        digest = hashlib.sha256(name.encode())
        for module, path in own_code.files(name).items():
            digest.update(f"\n{module}\n".encode())
            digest.update(path.read_bytes())
        return digest.hexdigest()

    def load(self, reference: str) -> Any:
        """Import what a `module:name` reference means.

        Raises:
            SpecError: no such module, or no such name in it.
        """
        module_name, _, name = reference.partition(":")
        module = import_module(self.module(module_name))
        if not hasattr(module, name):
            names = [n for n in vars(module) if not n.startswith("_")]
            raise UnknownName.among(f"name in {module_name}", name, names, where=self.declared_at)
        return getattr(module, name)
