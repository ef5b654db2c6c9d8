"""The family of errors: each says what went wrong, what was given, what is allowed, and the next step.

MlopsError
├── SpecError(ValueError)            a declaration (YAML or Python) is wrong
│   └── UnknownName(LookupError)     a name that nothing answers to; carries the near ones
├── LandingError(ValueError)         a landed file cannot be taken as a batch
├── ContractError(ValueError)        a batch breaks its contract so that the way must stop
├── StoreError(RuntimeError)         a store cannot do what was asked
│   ├── NotFound(LookupError)        no such table, version, model or record
│   ├── Conflict                     somebody else wrote first, and again after the retries
│   └── Damaged                      bytes do not match the digest recorded for them
├── TrainingError(RuntimeError)      a model cannot be trained on what there is
└── NoVerdict(PermissionError)       something was to be released without evidence
"""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Self

_NAMED = 24
"""Names that an error has room for."""


class MlopsError(Exception):
    """Base of every error that the platform raises on purpose."""

    @classmethod
    def of(cls, what: str, *, got: object = None, allowed: object = None, step: str = "") -> Self:
        """Build the message from its four parts; a part that is None or empty is left out.

        >>> print(MlopsError.of("no such engine", got="onx", allowed="onnx, sklearn", step="fix defs.yaml"))
        no such engine; got: onx; allowed: onnx, sklearn; next: fix defs.yaml
        """
        parts = [what]
        if got is not None:
            parts.append(f"got: {got}")
        if allowed is not None:
            parts.append(f"allowed: {allowed}")
        if step:
            parts.append(f"next: {step}")
        return cls("; ".join(parts))


class SpecError(MlopsError, ValueError):
    """A declaration in YAML or Python is wrong."""


class UnknownName(SpecError, LookupError):
    """A name that nothing answers to."""

    @classmethod
    def among(cls, kind: str, name: str, known: Iterable[str], *, where: str = "", step: str = "") -> Self:
        """Name the kind, the name given, the names known (of many the nearest first) and the nearest of them.

        >>> print(UnknownName.among("dataset", "flihgts", ["flights", "weather"]))
        unknown dataset 'flihgts'; allowed: flights, weather; next: did you mean 'flights'?
        """
        names = sorted(known)
        near = nearest(name, names)
        some = get_close_matches(name, names, n=_NAMED, cutoff=0) if len(names) > _NAMED else names
        more = f" and {len(names) - len(some)} more" if len(names) > len(some) else ""
        hint = f"did you mean '{near}'?" if near else step
        prefix = f"{where}: " if where else ""
        return cls.of(f"{prefix}unknown {kind} '{name}'", allowed=", ".join(some) + more or "(none yet)", step=hint)


class LandingError(MlopsError, ValueError):
    """A landed file cannot be taken as a batch."""


class ContractError(MlopsError, ValueError):
    """A batch breaks its contract so that the way must stop."""


class StoreError(MlopsError, RuntimeError):
    """A store cannot do what was asked."""


class NotFound(StoreError, LookupError):
    """No such table, version, model or record."""


class Conflict(StoreError):
    """Somebody else wrote first, and again after the retries."""


class Damaged(StoreError):
    """Bytes do not match the digest recorded for them."""


class TrainingError(MlopsError, RuntimeError):
    """A model cannot be trained on what there is."""


class NoVerdict(MlopsError, PermissionError):
    """Something was to be released without evidence."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is closest to the one given, or None when none is close.

    >>> nearest("sorce", ["source", "target"])
    'source'
    """
    matches = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None
