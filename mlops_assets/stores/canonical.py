"""The same model, the same bytes: a skops file without what only the process that wrote it knew.

skops numbers objects by their address in memory, names some files at random, and zips them with the time of day.
"""

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any, Final

SCHEMA: Final = "schema.json"
NUMBER: Final = "__id__"
FILE: Final = "file"
_LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)


def canonical(content: bytes) -> bytes:
    """The file again: objects and files are numbered in the order of the schema, and no time is told."""
    with zipfile.ZipFile(io.BytesIO(content)) as given:
        schema = json.loads(given.read(SCHEMA))
        names = _renumbered(schema)
        files = {new: given.read(old) for old, new in names.items()}
        files |= {name: given.read(name) for name in given.namelist() if name != SCHEMA and name not in names}
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as made:
        for name, held in {**files, SCHEMA: json.dumps(schema, indent=2).encode()}.items():
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.create_system = 3  # Unix, wherever it is written
            made.writestr(entry, held)
    return target.getvalue()


def _renumbered(schema: dict[str, Any]) -> dict[str, str]:
    """Number the objects in place; old file name to new."""
    numbers: dict[int, int] = {}
    names: dict[str, str] = {}
    for node in _nodes(schema):
        if isinstance(node.get(NUMBER), int):
            node[NUMBER] = numbers.setdefault(node[NUMBER], len(numbers) + 1)
        if isinstance(node.get(FILE), str):
            suffix = node[FILE].rpartition(".")[2]
            node[FILE] = names.setdefault(node[FILE], f"{len(names) + 1}.{suffix}")
    return names


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a schema, from outside in."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            yield found
            waiting.extend(reversed(list(found.values())))
        elif isinstance(found, list):
            waiting.extend(reversed(found))
