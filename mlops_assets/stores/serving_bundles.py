"""Serving bundles: immutable, by digest, and checked byte by byte before anyone reads them.

Nothing here knows MLflow or Dagster, and nothing is deserialized: a bundle is bytes.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from mlops_assets.errors import Damaged, NotFound

MANIFEST: Final = "manifest.json"
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class ServingBundle:
    """A bundle whose every byte was checked.

    Attributes:
        model: name.
        digest: SHA-256 of the manifest, which holds the SHA-256 of each other file.
        manifest: what the model is, takes and answers.
        files: by name, without the manifest.
    """

    model: str
    digest: str
    manifest: Mapping[str, Any]
    files: Mapping[str, bytes]


class Bundles:
    """Bundles below one folder, a folder a model and in it one a bundle."""

    def __init__(self, root: Path) -> None:
        """Remember the folder; it is made when something is put."""
        self.root = root

    def put(self, model: str, manifest: Mapping[str, Any], files: Mapping[str, bytes]) -> str:
        """Keep a bundle, whole or not at all; the same content is kept once.

        Returns:
            The bundle's digest.
        """
        whole = {**manifest, "files": {name: _sha(content) for name, content in sorted(files.items())}}
        text = json.dumps(whole, sort_keys=True, indent=1, allow_nan=False).encode()
        digest = _sha(text)
        target = self.root / model / digest
        if target.is_dir():
            return digest
        draft = target.with_name(f".{uuid4().hex}.tmp")
        draft.mkdir(parents=True)
        try:
            for name, content in {**files, MANIFEST: text}.items():
                durable(draft / name, content)
            draft.rename(target)
        except OSError:
            shutil.rmtree(draft, ignore_errors=True)
            if not target.is_dir():
                raise
        return digest

    def load(self, model: str, digest: str) -> ServingBundle:
        """A bundle, each of its bytes checked before anyone reads it.

        Raises:
            NotFound: there is no such bundle.
            Damaged: a file is missing, was added, or is not what was released.
        """
        folder = self.root / model / digest
        if not _DIGEST.fullmatch(digest) or not (folder / MANIFEST).is_file():
            raise NotFound.of(f"model '{model}' has no such serving bundle", got=digest, step="release it again")
        text = (folder / MANIFEST).read_bytes()
        _check(model, MANIFEST, text, digest)
        manifest: dict[str, Any] = json.loads(text)
        names = {path.name for path in folder.iterdir()} - {MANIFEST}
        if names != set(manifest["files"]):
            odd = ", ".join(sorted(names ^ set(manifest["files"])))
            raise Damaged.of(f"the serving bundle of '{model}' has files missing or added", got=odd)
        files = {name: (folder / name).read_bytes() for name in sorted(names)}
        for name, content in files.items():
            _check(model, name, content, manifest["files"][name])
        return ServingBundle(model, digest, manifest, files)

    def _version(self, model: str, digest: str) -> Any:
        """What the manifest says, unchecked; of one that says nothing the digest."""
        path = self.root / model / digest / MANIFEST
        return json.loads(path.read_bytes()).get("version", digest) if path.is_file() else digest


def durable(path: Path, content: bytes) -> None:
    """Write a file that is on the disk when this returns."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _check(model: str, name: str, content: bytes, recorded: str) -> None:
    found = _sha(content)
    if found != recorded:
        what = f"{name} in a serving bundle of '{model}' was changed"
        raise Damaged.of(what, got=found, allowed=recorded, step="release the model again")
