"""The file of tokens: a line each with its role, its hash and when it ends; a token itself is shown once."""

import hashlib
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import uuid4

from mlops_assets.errors import Damaged, NotFound, UnknownName

ROLES: Final = ("predict", "feedback", "admin")
FILE: Final = ".tokens"
NAME: Final = 8
"""Digits of the hash that name a token."""
_NEVER: Final = datetime.max.replace(tzinfo=UTC)
_REVOKED: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Token:
    """What is kept of a token.

    Attributes:
        role: one of `ROLES`.
        digest: SHA-256 of the token, in hex.
        until: when it ends; a token that never does ends with the calendar, a revoked one before it.
    """

    role: str
    digest: str
    until: datetime = _NEVER

    @property
    def name(self) -> str:
        """By which it is revoked."""
        return self.digest[:NAME]

    @property
    def holds(self) -> bool:
        """Whether it lets anybody in now."""
        return self.until > datetime.now(UTC)

    @property
    def state(self) -> str:
        """For a person.

        >>> Token("predict", "00").state, Token("predict", "00", datetime(2024, 1, 1, tzinfo=UTC)).state
        ('holds', 'ended 2024-01-01 00:00')
        """
        if self.until in (_NEVER, _REVOKED):
            return "holds" if self.holds else "revoked"
        return f"{'until' if self.holds else 'ended'} {self.until:%Y-%m-%d %H:%M}"

    def line(self) -> str:
        """As the file holds it."""
        return f"{self.role} {self.digest} {self.until.isoformat()}\n"


def read(folder: Path) -> list[Token]:
    """Every token that was issued, oldest first.

    Raises:
        Damaged: the file is not what was written.
    """
    path = folder / FILE
    lines = path.read_text().splitlines() if path.is_file() else []
    try:
        return [_token(*line.split()) for line in lines]
    except (TypeError, ValueError):
        step = "remove it, and issue the tokens again: mlops serve --issue predict"
        raise Damaged.of(f"{path} cannot be read", step=step) from None


def issue(folder: Path, role: str, *, lasts: timedelta | None = None) -> str:
    """Make a token of a role; only its hash is kept, so it is shown once.

    Args:
        folder: of what is served.
        role: one of `ROLES`.
        lasts: left out: until it is revoked.

    Raises:
        UnknownName: there is no such role.
    """
    if role not in ROLES:
        raise UnknownName.among("role", role, ROLES)
    token, until = secrets.token_urlsafe(32), _NEVER if lasts is None else datetime.now(UTC) + lasts
    folder.mkdir(parents=True, exist_ok=True)
    file = os.open(folder / FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(file, Token(role, hashlib.sha256(token.encode()).hexdigest(), until).line().encode())
    finally:
        os.close(file)
    return token


def revoke(folder: Path, name: str) -> Token:
    """Let a token end now; its line stays, so that a service which asked for tokens never stops to ask.

    Raises:
        NotFound: there is none of this name.
    """
    known = read(folder)
    found = next((token for token in known if token.name == name), None)
    if found is None:
        names = ", ".join(token.name for token in known) or "none was issued"
        raise NotFound.of("no such token", got=name, allowed=names, step="mlops serve --tokens")
    ended = [Token(each.role, each.digest, _REVOKED if each is found else each.until) for each in known]
    draft = folder / f".{uuid4().hex}.tmp"
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "w") as kept:
        kept.writelines(token.line() for token in ended)
    draft.replace(folder / FILE)
    return found


def _token(role: str, digest: str, until: str = "") -> Token:
    bytes.fromhex(digest)
    return Token(role, digest, datetime.fromisoformat(until) if until else _NEVER)
