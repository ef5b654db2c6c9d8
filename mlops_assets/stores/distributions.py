"""The installed distributions, as a lock that can be read, compared, and built again."""

import csv
import hashlib
import platform
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mlops_assets.errors import StoreError

if TYPE_CHECKING:
    from packaging.requirements import Requirement

_OF_THE_INSTALLER: Final = frozenset(
    {"INSTALLER", "REQUESTED", "RECORD", "direct_url.json", "uv_cache.json", "uv_build.json"}
)
_EDITABLE: Final = "editable"
UNRECORDED: Final = "unrecorded"
"""The content of a distribution that does not list its files: it cannot be linked."""


@dataclass(frozen=True)
class Distribution:
    """One installed distribution.

    Attributes:
        name: normalized.
        version: as it names itself.
        content: SHA-256 over the hashes of its files as its RECORD lists them; `editable` when it is a working copy.
    """

    name: str
    version: str
    content: str

    @property
    def pin(self) -> str:
        """As pip writes it."""
        return f"{self.name}=={self.version}"

    @property
    def editable(self) -> bool:
        """Whether its files are a working copy somewhere else: code, which git has, and no package."""
        return self.content == _EDITABLE


@dataclass(frozen=True)
class Lock:
    """An environment as text: pip reads it as requirements, the comments say what exactly was installed.

    Attributes:
        python: version, implementation and platform.
        distributions: sorted by name.
    """

    python: str
    distributions: tuple[Distribution, ...]

    def text(self) -> bytes:
        """The lock's bytes."""
        lines = [f"# {self.python}", *(f"{each.pin}  # {each.content}" for each in self.distributions)]
        return ("\n".join(lines) + "\n").encode()

    @classmethod
    def of(cls, text: bytes) -> "Lock":
        """Read a lock.

        >>> lock = Lock("python 3.11.9 cpython linux-x86_64", (Distribution("six", "1.0", "c0ffee"),))
        >>> Lock.of(lock.text()) == lock
        True
        """
        head, *lines = text.decode().splitlines()
        return cls(head.removeprefix("# "), tuple(_distribution(line) for line in lines if line.strip()))


def here() -> str:
    """This interpreter: version, implementation and platform."""
    return f"python {platform.python_version()} {sys.implementation.name} {sys.platform}-{platform.machine()}"


def lock(names: Iterable[str] | None = None) -> Lock:
    """Of this environment, or of some distributions in it and all that they need.

    Raises:
        StoreError: a distribution, or one that it needs, is not installed.
    """
    found = installed()
    if names is not None:
        wanted = _closure(names)
        found = tuple(each for each in found if each.name in wanted)
    return Lock(here(), found)


def installed() -> tuple[Distribution, ...]:
    """Every distribution that can be imported from, the first of a name, sorted."""
    return _installed(tuple(sys.path))


def installed_in(folder: Path) -> tuple[Distribution, ...]:
    """The distributions in one folder of packages."""
    return _installed((str(folder),))


def digest(distributions: Iterable[Distribution]) -> str:
    """SHA-256 over the sorted `name==version`."""
    return hashlib.sha256("\n".join(sorted(each.pin for each in distributions)).encode()).hexdigest()


def normalized(name: str) -> str:
    """A distribution's name as all tools agree on it.

    >>> normalized("Ruamel.Yaml__clib")
    'ruamel-yaml-clib'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def content(record: str) -> str:
    """SHA-256 over what a RECORD says of the files, but not of what each installer adds."""
    rows = [row for row in csv.reader(record.splitlines()) if len(row) > 1 and row[1]]
    kept = sorted((row[0], row[1]) for row in rows if _shipped(row[0]))
    return hashlib.sha256("\n".join(f"{name} {value}" for name, value in kept).encode()).hexdigest()


def _shipped(path: str) -> bool:
    name = path.rpartition("/")[2]
    return not (name in _OF_THE_INSTALLER and ".dist-info/" in path) and not path.startswith(("..", "/"))


@cache
def _installed(path: Sequence[str]) -> tuple[Distribution, ...]:
    found: dict[str, Distribution] = {}
    for each in metadata.distributions(path=list(path)):
        name = normalized(each.metadata["Name"] or "")
        if name and name not in found:
            found[name] = Distribution(name, each.version, _content(each))
    return tuple(sorted(found.values(), key=lambda each: each.name))


def _content(each: metadata.Distribution) -> str:
    url = each.read_text("direct_url.json") or ""
    if '"editable": true' in url or '"editable":true' in url:
        return _EDITABLE
    record = each.read_text("RECORD")
    return UNRECORDED if record is None else content(record)


def _closure(names: Iterable[str]) -> set[str]:
    from packaging.requirements import Requirement

    wanted: set[str] = set()
    waiting = [(normalized(name), frozenset[str]()) for name in names]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        wanted.add(name)
        try:
            requires = metadata.requires(name) or []
        except metadata.PackageNotFoundError as problem:
            raise StoreError.of(f"distribution '{name}' is needed and not installed", step="install it") from problem
        needed = [each for each in map(Requirement, requires) if _applies(each, extras)]
        waiting += [(normalized(each.name), frozenset(each.extras)) for each in needed]
    return wanted


def _applies(requirement: "Requirement", extras: frozenset[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in extras or {""})


def _distribution(line: str) -> Distribution:
    pin, _, said = line.partition("  # ")
    name, _, version = pin.strip().partition("==")
    return Distribution(name, version, said.strip())
