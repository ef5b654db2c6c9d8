"""What is posted for a dataset: JSON lines, read whole or not at all, that every reader can take later."""

import json
from dataclasses import dataclass
from typing import Any, Self

from mlops_assets.errors import LandingError
from mlops_assets.stores.lake import reserved


@dataclass(frozen=True)
class Post:
    """The rows of one body, each as it came.

    Attributes:
        rows: a JSON object each.
        names: their keys.
    """

    rows: list[bytes]
    names: set[str]

    @classmethod
    def of(cls, body: bytes) -> Self:
        r"""Read a body, whole or not at all.

        >>> Post.of(b'{"a": 1}\n\n{"a": 2}\r\n').rows
        [b'{"a": 1}', b'{"a": 2}']

        Raises:
            LandingError: a line is no JSON object, or one that no reader could take.
        """
        found = cls([], set())
        for number, line in enumerate(body.split(b"\n"), start=1):
            if text := line.strip():
                try:
                    found.names.update(names(text))
                except (ValueError, RecursionError) as error:
                    reason = str(error) or type(error).__name__
                    raise LandingError.of(
                        f"line {number}: {reason}", allowed="a JSON object a line, in UTF-8"
                    ) from None
                found.rows.append(text)
        if not found.rows:
            raise LandingError.of("the body is empty", allowed="a JSON object a line")
        return found


def names(text: bytes) -> list[str]:
    """The keys of a row; one that a reader would refuse later is refused while its sender is there to mend it.

    >>> names(b'{"id": 1, "at": null}')
    ['id', 'at']

    Raises:
        ValueError: it is no JSON object, or not one that a table can hold.
        RecursionError: it is nested too deeply.
    """
    if b"\r" in text:
        raise ValueError("a carriage return inside the row")
    found = json.loads(text.decode(), object_pairs_hook=_pairs, parse_constant=_constant)
    if not isinstance(found, dict):
        raise ValueError(f"a JSON object is needed, not {type(found).__name__}")  # noqa: TRY004 - one kind is caught
    if not found:
        raise ValueError("the object has no keys")
    json.dumps(found, ensure_ascii=False).encode()  # half a surrogate pair is no text
    bad = [name for name in found if not name.strip() or "\0" in name or reserved(name)]
    if bad or len({name.lower() for name in found}) < len(found):
        raise ValueError(f"no names for columns: {', '.join(map(repr, bad or found))}")
    return list(found)


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key comes twice in one object")
    return found


def _constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
