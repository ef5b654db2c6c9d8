"""What is served: one small file a model says which of its bundles are live, signed with the home's key."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from mlops_assets.errors import Damaged, NotFound, StoreError
from mlops_assets.stores.secret import is_signed, secret, sign
from mlops_assets.stores.serving_bundles import Bundles, durable

KEY: Final = ".key"
LIVE: Final = "live.json"
SETTINGS: Final = "settings.json"
GUARD: Final = "guard: "
"""How the evidence of a rollback by the service itself begins."""


@dataclass(frozen=True)
class Live:
    """Which bundles of a model answer.

    Attributes:
        champion: digest of the bundle in force; empty before the first release.
        challengers: digests of the bundles that are tried beside it.
        previous: digest of the champion before; empty for the first.
        evidence: digest of the verdict by which the champion was released, or who moved it and why.
        stops: from when the champion may answer no more, ISO in UTC; empty: it may.
        why: it stops.
        since: when the champion was made to answer, ISO in UTC.
        mode: of the challengers, `shadow` or `canary`; empty: as the champion's bundle says.
        share: of the questions that they answer; 0: as the champion's bundle says.
    """

    champion: str
    challengers: tuple[str, ...] = ()
    previous: str = ""
    evidence: str = ""
    stops: str = ""
    why: str = ""
    since: str = ""
    mode: str = ""
    share: float = 0.0

    @property
    def guarded(self) -> str:
        """Why the service went back to this champion by itself; empty when it did not.

        >>> Live("d1", evidence="guard: version 2: 50.0% of 20 requests failed").guarded
        'version 2: 50.0% of 20 requests failed'
        """
        return self.evidence.removeprefix(GUARD) if self.evidence.startswith(GUARD) else ""


class ServingStore(Bundles):
    """Bundles, and which of them answer."""

    def models(self) -> list[str]:
        """Every model that was ever released, sorted."""
        return sorted(path.parent.name for path in self.root.glob(f"*/{LIVE}"))

    def live(self, model: str) -> Live | None:
        """Which bundles of a model answer; None before its first release.

        Raises:
            Damaged: the file cannot be read, or was not written by this home.
        """
        path = self.live_path(model)
        try:
            found = json.loads(path.read_bytes())
            signature = str(found.pop("signature"))
            live = Live(**{**found, "challengers": tuple(found["challengers"])})
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            step = "release the model again"
            raise Damaged.of(f"{path} cannot be read", got=type(error).__name__, step=step) from None
        if not is_signed(secret(self.root / KEY), _text(model, live), signature):
            raise Damaged.of(f"{path} is not signed by this home", step="release the model again")
        return live

    def released(self, model: str) -> str:
        """The digest of the champion; empty when there is none, or when what says so is damaged."""
        try:
            live = self.live(model)
        except Damaged:
            return ""
        return live.champion if live else ""

    def release(self, model: str, digest: str, *, evidence: str) -> Live:
        """Make a bundle the one that answers; the challengers go on but for its own version.

        Raises:
            StoreError: no evidence was given.
            Damaged: the bundle is not whole; what is live stays.
        """
        if not evidence.strip():
            raise StoreError.of(f"a release of '{model}' without evidence", step="judge it first")
        self.load(model, digest)
        now = (self.live(model) if self.released(model) else None) or Live("")
        previous = now.previous if now.champion == digest else now.champion
        number = self._version(model, digest)
        others = tuple(each for each in now.challengers if each != digest and self._version(model, each) != number)
        again = (now.champion, now.evidence) == (digest, evidence) and now.since
        since = now.since if again else datetime.now(UTC).isoformat()
        return self._point(model, Live(digest, others, previous, evidence, since=since, mode=now.mode, share=now.share))

    def challenge(self, model: str, digests: tuple[str, ...], *, mode: str = "", share: float = 0.0) -> Live:
        """Name the bundles that are tried beside the champion, instead of those before; how, and on which share.

        Raises:
            NotFound: the model was never released.
            Damaged: a bundle is not whole.
        """
        now = self.live(model)
        if now is None:
            raise NotFound.of(f"model '{model}' was never released", step="release a champion first")
        for digest in digests:
            self.load(model, digest)
        wanted = tuple(digest for digest in digests if digest != now.champion)
        return self._point(model, replace(now, challengers=wanted, mode=mode, share=share))

    def stop(self, model: str, stops: str, why: str) -> Live:
        """Say from when the champion may answer no more, and why; empty takes it back, and so does a release.

        Raises:
            NotFound: the model was never released.
        """
        now = self.live(model)
        if now is None:
            raise NotFound.of(f"model '{model}' was never released", step="release a champion first")
        wanted = replace(now, stops=stops, why=why)
        return now if wanted == now else self._point(model, wanted)

    def live_path(self, model: str) -> Path:
        """The file that a server watches."""
        return self.root / model / LIVE

    def settings(self, model: str) -> dict[str, int]:
        """Workers, batch size and in-flight limit as a stress test has set them; empty before one.

        Raises:
            Damaged: the file holds no whole numbers above 0.
        """
        path = self.root / model / SETTINGS
        try:
            found = json.loads(path.read_bytes()) if path.is_file() else {}
            whole = all(type(value) is int and value > 0 for value in found.values())
        except (ValueError, AttributeError):
            whole = False
        if not whole:
            step = f"mlops stress {model}, or remove the file"
            raise Damaged.of(f"{path} cannot be read", allowed="whole numbers above 0 by name", step=step)
        return dict(found)

    def set(self, model: str, settings: Mapping[str, int]) -> None:
        """Keep what a stress test has measured; it outlives the bundle that was measured."""
        _replace(self.root / model / SETTINGS, json.dumps(dict(settings), sort_keys=True).encode())

    def _point(self, model: str, live: Live) -> Live:
        signature = sign(secret(self.root / KEY), _text(model, live))
        body = {**vars(live), "challengers": list(live.challengers), "signature": signature}
        _replace(self.live_path(model), json.dumps(body, sort_keys=True).encode())
        return live


def in_force(manifest: Mapping[str, Any], measured: Mapping[str, int]) -> dict[str, int]:
    """Workers, batch size and in-flight limit: what was declared, else what was measured, else what the bundle says.

    >>> in_force({"serving": {"workers": 1, "in_flight": 9}, "declared": ["in_flight"]}, {"workers": 2, "in_flight": 4})
    {'workers': 2, 'in_flight': 9}
    """
    declared = manifest.get("declared", ())
    return {**manifest["serving"], **{name: value for name, value in measured.items() if name not in declared}}


def _text(model: str, live: Live) -> str:
    said = [model, live.champion, live.challengers, live.previous, live.evidence]
    more = {"stops": live.stops, "why": live.why, "since": live.since, "mode": live.mode, "share": live.share}
    return json.dumps([*said, *([more] if any(more.values()) else [])])


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{uuid4().hex}.tmp")
    durable(draft, content)
    os.replace(draft, path)  # noqa: PTH105 - the atomic rename, by its own name
