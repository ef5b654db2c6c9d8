"""Reports: whole HTML pages, a page an asset and version, each with a URL that a browser opens."""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import quote
from uuid import uuid4

from mlops_assets import keys

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True)
class Report:
    """A page that was saved.

    Attributes:
        path: the file.
        url: opens it in the browser.
    """

    path: Path
    url: str


class Reports(Protocol):
    """Where pages are kept and served."""

    def save(self, key: keys.Key, version: str, html: str | bytes) -> Report:
        """Write a page whole, or not at all; the same key and version are replaced."""

    def path(self, key: keys.Key, version: str) -> Path:
        """Where a page is, or would be."""

    def url(self, key: keys.Key, version: str) -> str:
        """What opens the page in the browser, or would."""

    def exists(self, key: keys.Key, version: str) -> bool:
        """Whether the page was saved."""


class FolderReports:
    """Pages as files below a folder that a web server shows under the same paths."""

    def __init__(self, root: Path, base_url: str) -> None:
        """Remember the folder and its URL; nothing is made before a page is saved."""
        self.root = root
        self.base_url = base_url.rstrip("/")

    def save(self, key: keys.Key, version: str, html: str | bytes) -> Report:
        """Write a page whole, or not at all; the same key and version are replaced."""
        target = self.path(key, version)
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{uuid4().hex}.tmp")
        try:
            draft.write_bytes(html.encode() if isinstance(html, str) else html)
            os.replace(draft, target)  # noqa: PTH105 - the atomic rename, by its own name
        finally:
            draft.unlink(missing_ok=True)
        return Report(target, self.url(key, version))

    def path(self, key: keys.Key, version: str) -> Path:
        """Where a page is, or would be."""
        noun, stage = key
        return self.root / safe(noun) / safe(stage) / f"{safe(version)}.html"

    def url(self, key: keys.Key, version: str) -> str:
        """What opens the page in the browser, or would."""
        return f"{self.base_url}/{quote(self.path(key, version).relative_to(self.root).as_posix())}"

    def exists(self, key: keys.Key, version: str) -> bool:
        """Whether the page was saved."""
        return self.path(key, version).is_file()


def safe(name: str) -> str:
    """A file name for any text: other texts never share it.

    >>> safe("2013-01"), safe("a/b")
    ('2013-01', 'a_b-c14cddc0')
    """
    plain = _UNSAFE.sub("_", name)
    if plain == name and name.strip("."):
        return name
    return f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
