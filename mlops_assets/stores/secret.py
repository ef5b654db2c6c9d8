"""Secrets of a home: made once, readable by its owner alone, and never shown."""

import contextlib
import hmac
import os
import secrets
from hashlib import sha256
from pathlib import Path

BYTES = 32


def secret(path: Path) -> bytes:
    """The 32 bytes of a secret file, which is made when it is missing; of two makers one wins, and both read it."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{secrets.token_hex(8)}.tmp")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, secrets.token_bytes(BYTES))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_bytes()


def sign(key: bytes, text: str) -> str:
    """HMAC-SHA256 of a text, as hex.

    >>> sign(b"k", "a") == sign(b"k", "a") != sign(b"other", "a")
    True
    """
    return hmac.new(key, text.encode(), sha256).hexdigest()


def is_signed(key: bytes, text: str, signature: str) -> bool:
    """Whether the signature is the key's, compared in constant time."""
    return hmac.compare_digest(sign(key, text).encode(), signature.encode())
