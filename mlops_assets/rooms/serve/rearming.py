"""What the release before had shown when it was replaced: a worker that starts again holds the new one to it."""

import json
import os
from pathlib import Path
from typing import Final
from uuid import uuid4

from mlops_assets.rooms.serve.guard import Record

FILE: Final = "guard.json"


def keep(folder: Path, champion: str, before: Record) -> None:
    """Remember the record of the release that a champion has replaced; of several workers the last one's counts.

    Args:
        folder: of the model's bundles.
        champion: the digest of the new one.
        before: what the old one did.
    """
    draft = folder / f".{uuid4().hex}.tmp"
    draft.write_text(json.dumps({"champion": champion, "record": vars(before)}))
    os.replace(draft, folder / FILE)  # noqa: PTH105 - the atomic rename, by its own name


def kept(folder: Path, champion: str) -> Record:
    """What the release before this champion did; nothing when it was replaced while nobody served it."""
    try:
        found = json.loads((folder / FILE).read_text())
        return Record(**found["record"]) if found["champion"] == champion else Record()
    except (OSError, ValueError, KeyError, TypeError):
        return Record()
