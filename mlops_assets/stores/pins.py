"""A table as it was at one version, in another lake: its log up to there, and its files linked, not copied."""

import shutil
from typing import TYPE_CHECKING

from mlops_assets.errors import NotFound
from mlops_assets.stores.log import Log

if TYPE_CHECKING:
    from pathlib import Path


def lost(folder: "Path", version: int) -> list[str]:
    """What is missing of a version of the table in a folder, in words; empty when it can be pinned."""
    if not (folder / "_delta_log").is_dir():
        return ["the table is gone"]
    log = Log.read(folder)
    if version >= len(log.versions):
        return [f"version {version} is not in its log of {len(log.versions)} versions"]
    gone = [name for name in log.versions[version].files if not (folder / name).is_file()]
    return [f"{len(gone)} files of version {version} were removed"] if gone else []


def pin(folder: "Path", version: int, target: "Path") -> None:
    """Make the version of the table in `folder` the newest of the table in `target`, under the same number.

    Raises:
        NotFound: the version cannot be read any more.
    """
    lacking = lost(folder, version)
    if lacking:
        raise NotFound.of(f"table {folder.name} at version {version}", got="; ".join(lacking))
    (target / "_delta_log").mkdir(parents=True, exist_ok=True)
    for number in range(version + 1):
        name = f"_delta_log/{number:020}.json"
        shutil.copyfile(folder / name, target / name)
    for name in Log.read(folder).versions[version].files:
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.exists():
            continue
        try:
            place.hardlink_to(folder / name)
        except OSError:  # another file system
            shutil.copy2(folder / name, place)
