"""A Delta table's log, read once from its first commit: which files each version consists of, and what is left over."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote

from mlops_assets.errors import StoreError

_COMMIT = re.compile(r"\d{20}\.json")


@dataclass(frozen=True)
class Version:
    """One commit.

    Attributes:
        number: 0 for the first.
        at: milliseconds since 1970.
        files: path below the table's folder to bytes, of all files that the version consists of.
        info: what the commit carried.
    """

    number: int
    at: int
    files: Mapping[str, int]
    info: Mapping[str, Any]


@dataclass(frozen=True)
class Log:
    """Every version of one table, oldest first."""

    folder: Path
    versions: tuple[Version, ...]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the log of the table in a folder.

        Raises:
            StoreError: commits are missing, so that nobody can say what the older versions consist of.
        """
        commits = sorted(file for file in (folder / "_delta_log").glob("*.json") if _COMMIT.fullmatch(file.name))
        if [int(file.stem) for file in commits] != list(range(len(commits))):
            raise StoreError.of(
                f"the log of {folder} is not whole", got=f"{len(commits)} commits", allowed="all from 0"
            )
        versions: list[Version] = []
        for number, commit in enumerate(commits):
            versions.append(_after(versions[-1].files if versions else {}, number, commit))
        return cls(folder, tuple(versions))

    def known(self) -> set[str]:
        """Every file that some version consists of, or did."""
        return {file for version in self.versions for file in version.files}

    def gone(self) -> set[int]:
        """The versions that cannot be read any more, because files of theirs were removed."""
        missing = {file for file in self.known() if not (self.folder / file).exists()}
        return {version.number for version in self.versions if missing & version.files.keys()}

    def strays(self) -> Iterator[Path]:
        """Data files that no version has ever had: what a killed writer left behind."""
        known = self.known()
        for file in sorted(self.folder.glob("*.parquet*")):
            if file.name not in known:
                yield file


def _after(files: Mapping[str, int], number: int, commit: Path) -> Version:
    """The version that a commit makes of the one before."""
    live = dict(files)
    info: dict[str, Any] = {}
    for line in commit.read_text(encoding="utf-8").splitlines():
        action = json.loads(line)
        if removed := action.get("remove"):
            live.pop(unquote(removed["path"]), None)
        if added := action.get("add"):
            live[unquote(added["path"])] = int(added["size"])
        info = action.get("commitInfo", info)
    return Version(number, int(info.get("timestamp", 0)), live, info)
