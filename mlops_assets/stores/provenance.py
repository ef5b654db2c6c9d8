"""Provenance: which code and which environment made a thing, with all that is needed to bring the code back."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from mlops_assets.stores import distributions

PACKAGE = Path(__file__).parents[1]
LARGEST: Final = 10_000_000
"""Bytes of a new file that is kept with a patch; a larger one is data, and only its name is told."""
REFERENCES: Final = "refs/mlops"
"""Where a repository is asked to hold the commits that models were made with: no garbage collection takes them."""
_NOT_CODE = (":(exclude,top).venv", ":(exclude,top)data", ":(exclude,top,glob)**/__pycache__/**")
_PLAIN = ("--binary", "--full-index", "--no-ext-diff", "--no-textconv", "--no-renames", "--no-color")


@dataclass(frozen=True)
class CodeState:
    """The code as it was.

    Attributes:
        commit: of git; empty without git.
        tree: git's hash of the committed files; without git, the SHA-256 of the package's files.
        diff: SHA-256 of `patch`; empty when all was committed.
        omitted: new files too large to be kept with the patch, in one line.
    """

    commit: str
    tree: str
    diff: str
    omitted: str = ""


def code_state(root: Path, *, package: Path = PACKAGE) -> CodeState:
    """Of the git repository at a folder; where there is no git or no commit, of the package's files."""
    if repository(root) is None:
        return CodeState(commit="", tree=files_digest(package), diff="")
    commit, tree = git(root, "rev-parse", "HEAD", "HEAD^{tree}").decode().split()
    changes, omitted = patch(root), _large(root)
    digest = hashlib.sha256(changes).hexdigest() if changes else ""
    return CodeState(commit=commit, tree=tree, diff=digest, omitted=", ".join(omitted))


@cache
def stamp() -> Mapping[str, str]:
    """What the commit of every table says of its process: the code's tree and what was not committed; environment."""
    state = code_state(PACKAGE.parent)
    tree = f"{state.tree}+{state.diff[:12]}" if state.diff else state.tree
    return {"tree": tree, "environment": environment()}


def environment() -> str:
    """SHA-256 over the sorted `name==version` of every installed distribution."""
    return distributions.digest(distributions.installed())


def repository(folder: Path) -> Path | None:
    """The top of the git repository around a folder; None without git or without a commit."""
    if shutil.which("git") is None:
        return None
    command = ["git", "-C", str(folder), "rev-parse", "--quiet", "--verify", "HEAD^{commit}"]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - our own words
    return _top(folder) if done.returncode == 0 else None


def patch(root: Path) -> bytes:
    """All that is not committed, new files too, as one patch for `git apply`; empty when all is.

    It is made in an index and an object folder of its own: the repository is only read.
    """
    with tempfile.TemporaryDirectory() as folder:
        index, objects = (Path(git(root, "rev-parse", "--git-path", name).decode().strip()) for name in _HELD)
        scratch = Path(folder) / "index"
        if (root / index).is_file():
            shutil.copy2(root / index, scratch)  # with its time: git tells by it which files may have changed since
        own = {
            "GIT_INDEX_FILE": str(scratch),
            "GIT_OBJECT_DIRECTORY": folder,
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": str((root / objects).resolve()),
        }
        # Not `add --all`: git refuses to leave out a folder that it ignores anyway.
        changed = _names(root, "--modified", "--deleted", *_NEW) - set(_large(root))
        given = os.fsencode("\0".join(sorted(changed)))
        git(_top(root), "update-index", "--add", "--remove", "-z", "--stdin", settings=own, given=given)
        prefixes = ("--src-prefix=a/", "--dst-prefix=b/")
        return git(root, "diff", "--cached", *_PLAIN, *prefixes, "HEAD", "--", ":/", *_NOT_CODE, settings=own)


def hold(root: Path, commit: str) -> bool:
    """Ask the repository never to collect a commit; False where it cannot be written to."""
    command = ["git", "-C", str(root), "update-ref", f"{REFERENCES}/{commit}", commit]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603 - our own words


def git(root: Path, *words: str, settings: "dict[str, str] | None" = None, given: bytes = b"") -> bytes:
    """What a git command prints; its locks are not taken for reading.

    Raises:
        CalledProcessError: git refused.
    """
    command = ["git", "-C", str(root), *words]
    quiet = os.environ | {"GIT_OPTIONAL_LOCKS": "0"} | (settings or {})
    done = subprocess.run(command, input=given, capture_output=True, check=True, env=quiet)  # noqa: S603 - our own words
    return done.stdout


def files_digest(folder: Path) -> str:
    """SHA-256 over the names and contents of a package's files, byte code left out."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            digest.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


_HELD: Final = ("index", "objects")
_NEW: Final = ("--others", "--exclude-standard")


def _large(root: Path) -> list[str]:
    top = _top(root)
    new = sorted(_names(root, *_NEW))
    return [name for name in new if (top / name).is_file() and (top / name).stat().st_size > LARGEST]


def _names(root: Path, *kinds: str) -> set[str]:
    """Files of some kinds of change, below the repository's top; a repository inside it is none of its files."""
    names = git(root, "ls-files", *kinds, "-z", "--full-name", ":/", *_NOT_CODE)
    return {os.fsdecode(name) for name in names.split(b"\0") if name and not name.endswith(b"/")}


def _top(root: Path) -> Path:
    return Path(git(root, "rev-parse", "--show-toplevel").decode().strip())
