"""What the prediction log keeps of each input: the value, a salted hash, a coarse bucket, or nothing."""

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

HASH_BYTES: Final = 8
SPLICED: Final = 4096
"""Bytes of a body that is kept as it came; a longer one is mostly blanks, and is written anew."""
BUCKETS: Final = 10


def keeper(schema: Sequence[Mapping[str, Any]], salt: bytes) -> Callable[[msgspec.Struct, bytes], bytes]:
    """What turns a question into the JSON that the log keeps of it: `{"inputs": {...}}`.

    It is called with the inputs, a field a feature in the order of the schema, and the body that they came in, or an
    empty one where that holds more than the log may. Where every column is kept as it is, the body itself is.

    Args:
        schema: of the bundle; each entry's `log` is its rule.
        salt: secret; without it a hash of a small set of values is no secret.
    """
    kept = [(place, entry["name"], _rule(entry, salt)) for place, entry in enumerate(schema) if entry["log"] != "drop"]
    encode = msgspec.json.Encoder().encode
    if len(kept) == len(schema) and all(rule is None for _, _, rule in kept):

        def keeping(inputs: msgspec.Struct, body: bytes) -> bytes:
            if body and b"\n" not in body and len(body) <= SPLICED:
                return body
            return b'{"inputs":%b}' % encode(inputs)  # the struct has the features' own names

        return keeping

    def hiding(inputs: msgspec.Struct, _: bytes) -> bytes:
        row = msgspec.structs.astuple(inputs)
        hidden = {name: row[place] if rule is None else rule(row[place]) for place, name, rule in kept}
        return b'{"inputs":%b}' % encode(hidden)

    return hiding


def key_keeper(
    names: Sequence[str], rules: Mapping[str, str], salt: bytes
) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """What turns a question's key into what the log keeps of it.

    Args:
        names: of the key's columns.
        rules: column to `keep`, `hash` or `drop`; left out: all are kept.
        salt: secret.

    >>> key_keeper(["person", "day"], {"person": "drop", "day": "keep"}, b"")({"person": "Ada", "day": 7})
    {'day': 7}
    """
    kept = [(name, rules.get(name) == "hash") for name in names if rules.get(name) != "drop"]

    def keeping(key: Mapping[str, Any]) -> dict[str, Any]:
        return {name: hashed(key[name], salt) if hides else key[name] for name, hides in kept if name in key}

    return keeping


def hashed(value: Any, salt: bytes) -> str | None:
    """A value's keyed BLAKE2b; the same value has the same hash in one home, and another in any other."""
    if value is None:
        return None
    return hashlib.blake2b(msgspec.json.encode(value), digest_size=HASH_BYTES, key=salt).hexdigest()


def bucket(entry: Mapping[str, Any], value: Any) -> str | None:
    """A tenth of the range that was usual in training; of a category, whether it was known.

    >>> bucket({"kind": "number", "minimum": 0, "maximum": 100}, 37.2)
    '30 to 40'
    """
    if value is None:
        return None
    if entry["kind"] == "category":
        return "known" if value in entry["categories"] else "unknown"
    low, high = entry["minimum"], entry["maximum"]
    if low is None or not low <= value <= high:
        return "out of range"
    width = (high - low) / BUCKETS
    place = min(BUCKETS - 1, math.floor((value - low) / width)) if width else 0
    return f"{low + place * width:g} to {low + (place + 1) * width:g}"


def _rule(entry: Mapping[str, Any], salt: bytes) -> Callable[[Any], Any] | None:
    if entry["log"] == "hash":
        return lambda value: hashed(value, salt)
    return (lambda value: bucket(entry, value)) if entry["log"] == "bucket" else None
