"""How a distribution comes into an environment: linked file by file and checked, or unpacked from a wheel."""

import csv
import hashlib
import os
import shutil
import subprocess
import sys
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from mlops_assets.errors import Damaged, StoreError
from mlops_assets.stores.distributions import Distribution, normalized


def link(wanted: Distribution, source: Path, target: Path) -> None:
    """Link a distribution's files from one folder of packages into another; of a working copy, what names it.

    Raises:
        Damaged: a file is not what the RECORD says.
    """
    made: set[str] = set()
    for name, digest in _files(wanted, source):
        origin, place = f"{source}/{name}", f"{target}/{name}"
        if digest and _digest(origin) != digest:
            raise Damaged.of(f"{origin} of {wanted.pin} was changed after it was installed", step="install it again")
        _one(origin, place, made)
        if name.endswith(".py"):
            folder, _, file = name.rpartition("/")
            compiled = f"{folder}/__pycache__/{file[:-3]}.{sys.implementation.cache_tag}.pyc"
            if os.path.exists(f"{source}/{compiled}"):  # noqa: PTH110 - a hundred thousand times
                _one(f"{source}/{compiled}", f"{target}/{compiled}", made)


def wheel(folder: Path, wanted: Distribution) -> Path | None:
    """The wheel of a distribution in a folder, or None."""
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    for path in sorted(folder.glob("*.whl")):
        try:
            name, version, *_ = parse_wheel_filename(path.name)
        except InvalidWheelFilename:
            continue
        if name == wanted.name and str(version) == wanted.version:
            return path
    return None


def cached(wanted: Distribution) -> bool:
    """Whether uv's cache holds a distribution; uv is asked, if it is there, and not let on the network."""
    uv = _uv()
    if uv is None:
        return False
    command = [uv, "pip", "install", "--offline", "--no-deps", "--dry-run", "--target", os.devnull, wanted.pin]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - our own words
    return done.returncode == 0


def unpack(wanted: Distribution, path: Path | None, target: Path) -> None:
    """Install one distribution alone into a folder: from a wheel, or else from uv's cache.

    Raises:
        StoreError: it cannot be installed.
    """
    uv, options = _uv(), ["--no-deps", "--target", str(target)]
    if path is None and uv is not None:
        command = [uv, "pip", "install", "--offline", "--quiet", *options, wanted.pin]
    elif find_spec("pip") is not None:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
        command = [*pip, *options, str(path)]
    elif uv is not None:
        command = [uv, "pip", "install", "--offline", "--quiet", *options, str(path)]
    else:
        raise StoreError.of(f"{wanted.pin} cannot be installed", got="neither pip nor uv is here", step="install pip")
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    if done.returncode != 0:
        raise StoreError.of(f"{wanted.pin} cannot be installed", got=done.stderr.strip()[-500:])


def _files(wanted: Distribution, source: Path) -> Iterator[tuple[str, str]]:
    """Each file of a distribution, and its digest; scripts, which hold their environment's path, are left out."""
    record = _held(source)[wanted.name].read_text("RECORD") or ""
    for name, digest, *_ in (row for row in csv.reader(record.splitlines()) if len(row) > 1):
        inside = not name.startswith(("..", "/")) and "__pycache__/" not in name
        if inside and (not wanted.editable or ".dist-info/" in name):
            yield name, digest


@cache
def _held(folder: Path) -> dict[str, metadata.Distribution]:
    """The distributions in a folder of packages by name; the first of a name, as an import finds it."""
    found = list(metadata.distributions(path=[str(folder)]))
    return {normalized(each.metadata["Name"] or ""): each for each in reversed(found)}


def _digest(path: str) -> str:
    with open(path, "rb") as file:  # noqa: PTH123 - a hundred thousand times
        found = hashlib.file_digest(file, "sha256").digest()
    return "sha256=" + urlsafe_b64encode(found).rstrip(b"=").decode()


def _one(origin: str, place: str, made: set[str]) -> None:
    folder = place.rpartition("/")[0]
    if folder not in made:
        os.makedirs(folder, exist_ok=True)  # noqa: PTH103 - a hundred thousand times
        made.add(folder)
    try:
        os.link(origin, place)
    except FileExistsError:  # a file that two distributions bring, such as a namespace's
        return
    except OSError:  # another file system
        shutil.copy2(origin, place)


def _uv() -> str | None:
    return shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
