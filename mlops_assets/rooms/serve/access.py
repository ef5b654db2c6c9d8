"""Who may do what: bearer tokens with a role each, kept as hashes, compared in constant time."""

import hashlib
import hmac
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from mlops_assets.errors import SpecError
from mlops_assets.rooms.serve.problems import Problem, fault
from mlops_assets.rooms.serve.tokens import read

KNOWN: Final = 256
"""Headers that are remembered once their token was found right."""
_SCHEME: Final = b"bearer "


class Access:
    """The tokens of a service; while none was ever issued, everybody may do everything.

    Attributes:
        on: whether tokens are asked for; once they are, they stay asked for, though the last one has ended.
        host: the last `Host` that was found right, so that the same again is found by comparing.
    """

    def __init__(self, folder: Path) -> None:
        """Read the tokens of what is served; `follow` reads them again."""
        self._folder, self.on = folder, False
        self._hashes: tuple[tuple[str, bytes], ...] = ()
        self._known: dict[int, tuple[bytes, frozenset[str]]] = {}
        self.host: bytes | None = None
        self.follow()

    def follow(self) -> None:
        """Take up what was issued and revoked since, and let go what has ended."""
        found = read(self._folder)
        self.on = self.on or bool(found)
        held = tuple((token.role, bytes.fromhex(token.digest)) for token in found if token.holds)
        if held != self._hashes:
            self._hashes = held
            self._known.clear()

    @property
    def anybody(self) -> bool:
        """Whether any token lets somebody in."""
        return bool(self._hashes)

    def check(self, headers: Mapping[bytes, bytes], role: str) -> None:
        """Let a request pass whose token has the role, or is an admin's.

        Raises:
            Problem: 401 without a known token, 403 when its role does not allow this.
        """
        given = headers.get(b"authorization", b"")
        # One that was right before is compared as it is. It is found by Python's own hash, which is keyed a process and
        # tells nothing of how near a guess came.
        known = self._known.get(hash(given))
        roles = known[1] if known is not None and hmac.compare_digest(known[0], given) else self._roles(given)
        if not roles:
            raise Problem(
                401, fault("authorization", "no known bearer token"), headers=[(b"www-authenticate", b"Bearer")]
            )
        if role not in roles and "admin" not in roles:
            raise Problem(403, fault("authorization", "another role is needed", role))

    def check_host(self, headers: Mapping[bytes, bytes]) -> None:
        """While nobody is asked for a token, refuse what was not sent to this machine by one of its own names.

        A page from elsewhere can let its own name lead to 127.0.0.1 (DNS rebinding), and then a browser lets it read
        the answers; the `Host` is still its own. No browser leaves it out.

        Raises:
            Problem: 421.
        """
        given = headers.get(b"host")
        if given is not None and not _loopback(_name(given)):
            raise Problem(
                421,
                fault("host", "not a name of this machine", ["127.0.0.1", "localhost", "[::1]"]),
                step="ask by one of these, or let clients have tokens: mlops serve --issue predict",
            )
        self.host = given

    def _roles(self, given: bytes) -> frozenset[str]:
        """The roles of a header's token, by its hash; a header that was right is remembered."""
        token = given[len(_SCHEME) :] if given[: len(_SCHEME)].lower() == _SCHEME else b""
        digest = hashlib.sha256(token).digest()
        roles = frozenset(role for role, expected in self._hashes if hmac.compare_digest(digest, expected))
        if roles and len(self._known) < KNOWN:
            self._known[hash(given)] = (given, roles)
        return roles


def require_tokens_beyond_loopback(host: str, access: Access) -> None:
    """Refuse to listen where others can reach without asking them for a token.

    Raises:
        SpecError: no token was issued, or none holds any more.
    """
    if not access.anybody and not _loopback(host):
        step = "mlops serve --issue predict (or feedback, admin), once for each client"
        raise SpecError.of("a service that others can reach asks for tokens", got=host, allowed="127.0.0.1", step=step)


def _name(given: bytes) -> str:
    """The name in a `Host`, in lower case without its port; empty when there is none.

    >>> _name(b"LocalHost:8000"), _name(b"[::1]:8000"), _name(b"[")
    ('localhost', '::1', '')
    """
    try:
        return urlsplit(f"//{given.decode('latin-1')}").hostname or ""
    except ValueError:
        return ""


def _loopback(host: str) -> bool:
    """Whether nobody but this machine reaches an address; a name may be anybody's, but for the one.

    >>> _loopback("127.0.0.2"), _loopback("::1"), _loopback("localhost"), _loopback("127.example.org"), _loopback("")
    (True, True, True, False, False)
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
