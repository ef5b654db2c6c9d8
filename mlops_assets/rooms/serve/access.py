"""Who may do what: bearer tokens with a role each, kept as hashes, compared in constant time."""

import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from mlops_assets.errors import SpecError, UnknownName
from mlops_assets.rooms.serve.problems import Problem, fault

ROLES: Final = ("predict", "feedback", "admin")
FILE: Final = ".tokens"
KNOWN: Final = 256
"""Headers that are remembered once their token was found right."""
_LOOPBACK: Final = ("127.", "localhost", "::1")
_SCHEME: Final = b"bearer "


class Access:
    """The tokens of a service; without any, everybody may do everything."""

    def __init__(self, hashes: Iterable[tuple[str, bytes]]) -> None:
        """Hold (role, SHA-256 of the token) pairs."""
        self._hashes = tuple(hashes)
        self.on = bool(self._hashes)
        self._known: dict[int, tuple[bytes, frozenset[str]]] = {}

    @classmethod
    def of(cls, folder: Path) -> "Access":
        """The tokens that `issue` has made."""
        path = folder / FILE
        lines = path.read_text().splitlines() if path.is_file() else []
        return cls((role, bytes.fromhex(digest)) for role, _, digest in (line.partition(" ") for line in lines))

    def check(self, headers: Iterable[tuple[bytes, bytes]], role: str) -> None:
        """Let a request pass whose token has the role, or is an admin's.

        Raises:
            Problem: 401 without a known token, 403 when its role does not allow this.
        """
        given = b""
        for name, value in headers:
            if name == b"authorization":
                given = value
                break
        roles = self._roles(given)
        if not roles:
            raise Problem(
                401, fault("authorization", "no known bearer token"), headers=[(b"www-authenticate", b"Bearer")]
            )
        if role not in roles and "admin" not in roles:
            raise Problem(403, fault("authorization", "another role is needed", role))

    def _roles(self, given: bytes) -> frozenset[str]:
        """The roles of a header's token; a header that was right once is compared as it is, without hashing it again.

        It is found by Python's own hash, which is keyed a process and tells nothing of how near a guess came.
        """
        known = self._known.get(hash(given))
        if known is not None and hmac.compare_digest(known[0], given):
            return known[1]
        token = given[len(_SCHEME) :] if given[: len(_SCHEME)].lower() == _SCHEME else b""
        digest = hashlib.sha256(token).digest()
        roles = frozenset(role for role, expected in self._hashes if hmac.compare_digest(digest, expected))
        if roles and len(self._known) < KNOWN:
            self._known[hash(given)] = (given, roles)
        return roles


def issue(folder: Path, role: str) -> str:
    """Make a token of a role; only its hash is kept, so it is shown once.

    Raises:
        UnknownName: there is no such role.
    """
    if role not in ROLES:
        raise UnknownName.among("role", role, ROLES)
    token = secrets.token_urlsafe(32)
    folder.mkdir(parents=True, exist_ok=True)
    file = os.open(folder / FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(file, f"{role} {hashlib.sha256(token.encode()).hexdigest()}\n".encode())
    finally:
        os.close(file)
    return token


def require_tokens_beyond_loopback(host: str, access: Access) -> None:
    """Refuse to listen where others can reach without asking them for a token.

    Raises:
        SpecError: no token was issued.
    """
    if not access.on and not host.startswith(_LOOPBACK):
        step = "mlops serve --issue predict (or feedback, admin), once for each client"
        raise SpecError.of("a service that others can reach asks for tokens", got=host, allowed="127.0.0.1", step=step)
