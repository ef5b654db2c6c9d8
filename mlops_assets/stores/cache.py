"""What was computed once and is kept by its content: small files that may be lost at any time and are made anew."""

import hashlib
import os
from pathlib import Path
from typing import Final, Protocol
from uuid import uuid4

from mlops_assets.stores.reports import safe

MOST: Final = 24
"""Files kept of one name; the ones that were not asked for longest go first."""
_DIGEST: Final = hashlib.sha256().digest_size


class Cache(Protocol):
    """Bytes by name and key."""

    def get(self, name: str, key: str) -> bytes | None:
        """What was kept; None when there is nothing, or not what was kept."""

    def put(self, name: str, key: str, content: bytes) -> None:
        """Keep it."""


class FolderCache:
    """A folder a name, a file a key; each file begins with the SHA-256 of what follows."""

    def __init__(self, root: Path, *, most: int | None = MOST) -> None:
        """Remember the folder, and how many files of one name are kept (None: all); nothing is made before one is."""
        self.root = root
        self.most = most

    def get(self, name: str, key: str) -> bytes | None:
        """What was kept; None when there is nothing, or not what was kept: both are only made anew.

        A torn or changed file cannot be told from none, as its digest no longer matches.
        """
        path = self._path(name, key)
        try:
            held = path.read_bytes()
            os.utime(path)
        except FileNotFoundError:
            return None
        digest, content = held[:_DIGEST], held[_DIGEST:]
        return content if hashlib.sha256(content).digest() == digest else None

    def put(self, name: str, key: str, content: bytes) -> None:
        """Keep it whole, or not at all; of one name, the files asked for longest ago make room."""
        path = self._path(name, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{uuid4().hex}.tmp")
        try:
            draft.write_bytes(hashlib.sha256(content).digest() + content)
            os.replace(draft, path)  # noqa: PTH105 - the atomic rename, by its own name
        finally:
            draft.unlink(missing_ok=True)
        if self.most is not None:
            for old in sorted(path.parent.glob("[!.]*"), key=_asked, reverse=True)[self.most :]:
                old.unlink(missing_ok=True)

    def _path(self, name: str, key: str) -> Path:
        return self.root / safe(name) / safe(key)


def _asked(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # another process made room in the meantime
        return 0.0
