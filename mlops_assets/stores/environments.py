"""Environments built from a lock, without a network: isolated, exact, and kept by the lock's digest.

An environment holds the lock's distributions and nothing else: an interpreter of its own that sees neither the user's
site nor the environment that runs now. Files are linked, not copied, and each is checked against its RECORD.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from mlops_assets.errors import StoreError
from mlops_assets.stores import linking
from mlops_assets.stores.distributions import UNRECORDED, Distribution, Lock, here, installed_in
from mlops_assets.stores.locking import locked

Where = Literal["running", "kept", "wheel", "uv", "missing"]
_WHOLE: Final = ".whole"


@dataclass(frozen=True)
class Source:
    """Where one distribution of a lock comes from.

    Attributes:
        wanted: the distribution.
        where: running (the environment that runs now), kept (one that was built before), wheel (the folder of wheels),
            uv (its cache), or missing.
        folder: that it is linked from; the wheel's path.
    """

    wanted: Distribution
    where: Where
    folder: Path | None = None


@dataclass(frozen=True)
class Environment:
    """An environment that stands.

    Attributes:
        python: its interpreter.
        site: its packages.
        built: False when it stood before.
    """

    python: Path
    site: Path
    built: bool

    def run(
        self, code: Sequence[Path], script: str, *arguments: str, timeout: float
    ) -> "subprocess.CompletedProcess[str]":
        """Run Python source in it, isolated, with some folders of code on its path.

        Raises:
            TimeoutExpired: it took longer than that many seconds.
        """
        paths = "".join(f"sys.path.insert(0, {str(folder)!r}); " for folder in reversed(code))
        command = [str(self.python), "-I", "-c", f"import sys; {paths}\n{script}", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout)  # noqa: S603 - our own interpreter


class Environments:
    """The environments of one home."""

    def __init__(self, root: Path, wheels: Path) -> None:
        """Remember where they stand, and the folder of wheels that may be used."""
        self.root = root
        self.wheels = wheels

    def sources(self, lock: Lock) -> list[Source]:
        """Where each distribution of a lock would come from; nothing is made."""
        places = list(self._places())
        return [self._source(each, places) for each in lock.distributions]

    def find(self, lock: Lock) -> Environment | None:
        """The environment of a lock, if it stands."""
        folder = self._folder(lock)
        return Environment(_python(folder), _site(folder), built=False) if (folder / _WHOLE).exists() else None

    def build(self, lock: Lock) -> Environment:
        """The environment of a lock, built when it does not stand yet.

        Raises:
            StoreError: another Python is asked for, or a distribution is nowhere to be had; all of them are named.
            Damaged: a file is not what its RECORD says.
        """
        with locked(self.root / ".lock"):
            found = self.find(lock)
            if found is not None:
                return found
            sources = self.sources(lock)
            _refuse(lock, sources)
            folder = self._folder(lock)
            shutil.rmtree(folder, ignore_errors=True)
            draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=self.root))
            try:
                self._fill(draft, sources)
                (draft / _WHOLE).write_bytes(lock.text())
                draft.rename(folder)
            except BaseException:
                shutil.rmtree(draft, ignore_errors=True)
                raise
        return Environment(_python(folder), _site(folder), built=True)

    def _fill(self, folder: Path, sources: Sequence[Source]) -> None:
        import venv

        venv.EnvBuilder(symlinks=True, with_pip=False).create(folder)
        site = _site(folder)
        for source in sources:
            if source.folder is not None and source.where in ("running", "kept"):
                linking.link(source.wanted, source.folder, site)
            else:
                _install(source, site)

    def _source(self, wanted: Distribution, places: Sequence[tuple[Where, Path]]) -> Source:
        for where, folder in places:
            if wanted.content != UNRECORDED and wanted in installed_in(folder):
                return Source(wanted, where, folder)
        wheel = linking.wheel(self.wheels, wanted)
        if wheel is not None:
            return Source(wanted, "wheel", wheel)
        return Source(wanted, "uv" if linking.cached(wanted) else "missing")

    def _places(self) -> Iterator[tuple[Where, Path]]:
        for entry in dict.fromkeys(sys.path):
            if entry and Path(entry).is_dir():
                yield "running", Path(entry)
        for whole in sorted(self.root.glob(f"*/{_WHOLE}")):
            yield "kept", _site(whole.parent)

    def _folder(self, lock: Lock) -> Path:
        return self.root / hashlib.sha256(lock.text()).hexdigest()[:16]


def missing(lock: Lock, sources: Sequence[Source]) -> list[str]:
    """What cannot be had here, in words; empty when an environment can be built."""
    found = [f"{source.wanted.pin} ({source.wanted.content[:12]})" for source in sources if source.where == "missing"]
    ours, theirs = _series(here()), _series(lock.python)
    return ([f"{lock.python} (this is {here()})"] if ours != theirs else []) + found


def _refuse(lock: Lock, sources: Sequence[Source]) -> None:
    lacking = missing(lock, sources)
    if lacking:
        raise StoreError.of(
            "the environment cannot be built without a network",
            got=f"not to be had: {', '.join(lacking)}",
            allowed="what this environment or one built before holds, wheels, uv's cache",
            step="put their wheels into data/wheels, or set MLOPS_WHEELS",
        )


def _install(source: Source, site: Path) -> None:
    """From a wheel or uv's cache; what comes out must be what the lock says."""
    with tempfile.TemporaryDirectory(dir=site.parent) as name:
        fresh = Path(name)
        linking.unpack(source.wanted, source.folder, fresh)
        found = [each for each in installed_in(fresh) if each.name == source.wanted.name]
        if found != [source.wanted]:
            raise StoreError.of(
                f"{source.wanted.pin} from {source.folder or 'uv'} is not what was recorded",
                got=found[0].content if found else "nothing",
                allowed=source.wanted.content,
            )
        linking.link(source.wanted, fresh, site)


def _series(python: str) -> str:
    """Minor version, implementation and platform: what wheels are made for."""
    _, version, *rest = python.split()
    return " ".join([version.rpartition(".")[0], *rest])


def _python(folder: Path) -> Path:
    return folder / "bin" / "python"


def _site(folder: Path) -> Path:
    return folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
