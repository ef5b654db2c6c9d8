"""Provenance: which code and which environment made a thing."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
_NOT_CODE = (":(exclude).venv", ":(exclude)data")


@dataclass(frozen=True)
class CodeState:
    """The code as it was.

    Attributes:
        commit: of git; empty without git.
        tree: git's hash of the committed files; without git, the SHA-256 of the package's files.
        diff: SHA-256 of what was not committed; empty when all was.
    """

    commit: str
    tree: str
    diff: str


def code_state(root: Path, *, package: Path = PACKAGE) -> CodeState:
    """Of the git repository at a folder; where there is no git or no commit, of the package's files."""
    if shutil.which("git") is None or not _is_committed(root):
        return CodeState(commit="", tree=_files_digest(package), diff="")
    commit, tree = _git(root, "rev-parse", "HEAD", "HEAD^{tree}").decode().split()
    return CodeState(commit=commit, tree=tree, diff=_uncommitted(root))


@cache
def stamp() -> Mapping[str, str]:
    """What the commit of every table says of its process: the code's tree and what was not committed; environment."""
    state = code_state(PACKAGE.parent)
    tree = f"{state.tree}+{state.diff[:12]}" if state.diff else state.tree
    return {"tree": tree, "environment": environment()}


@cache
def environment() -> str:
    """SHA-256 over the sorted `name==version` of every installed distribution."""
    found = {f"{dist.metadata['Name'].lower()}=={dist.version}" for dist in metadata.distributions()}
    return hashlib.sha256("\n".join(sorted(found)).encode()).hexdigest()


def _uncommitted(root: Path) -> str:
    changes = _git(root, "diff", "HEAD", "--binary", "--no-ext-diff", "--no-color")
    names = _git(root, "ls-files", "--others", "--exclude-standard", "-z", "--full-name", ":/", *_NOT_CODE)
    top = Path(_git(root, "rev-parse", "--show-toplevel").decode().strip())
    digest = hashlib.sha256(changes)
    new = sorted(name for name in names.decode().split("\0") if name)
    for name in new:
        digest.update(b"\0" + name.encode() + b"\0" + (top / name).read_bytes())
    return digest.hexdigest() if changes or new else ""


def _is_committed(root: Path) -> bool:
    command = ["git", "-C", str(root), "rev-parse", "--quiet", "--verify", "HEAD^{commit}"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603 - our own words


def _git(root: Path, *words: str) -> bytes:
    command = ["git", "-C", str(root), *words]
    quiet = os.environ | {"GIT_OPTIONAL_LOCKS": "0"}
    return subprocess.run(command, capture_output=True, check=True, env=quiet).stdout  # noqa: S603 - our own words


def _files_digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            digest.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()
