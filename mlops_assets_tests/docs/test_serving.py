"""What the page on predictions shows is what a service answers: each request of it is sent, each answer compared."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlops_assets_tests.rooms.serve.running import Answer, ask, release, service

PAGE = Path(__file__).parents[2] / "docs" / "serving.md"
COMMAND = re.compile(r"^\$ (curl (?:.*\\\n)*.*)\n((?:[^$\n].*\n)*)", flags=re.MULTILINE)
BLOCKS = re.findall(r"```console\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
SHOWN = [found for block in BLOCKS for found in COMMAND.findall(block)]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The home of the page: one version of late_trips, made as in every test of the service."""
    home = tmp_path_factory.mktemp("page")
    release(home)
    with service(home) as running:
        yield running.url


def sent(url: str, command: str) -> Answer:
    """The request of a curl command, sent to the service that runs now."""
    _, silent, address, *rest = shlex.split(command.replace("\\\n", " "))
    assert silent == "-s"
    given = dict(zip(rest[::2], rest[1::2], strict=True))
    path = "/" + address.partition("/")[2]
    body = given["-d"].encode() if "-d" in given else None
    assert given.get("-H", "content-type: application/json") == "content-type: application/json"
    return ask(url, path, body)


def told(text: str | bytes) -> Any:
    """An answer but for what no two runs share: ids, and the last digits of a score."""

    def plain(found: dict[str, Any]) -> dict[str, Any]:
        return {name: "ID" if name == "id" else value for name, value in found.items()}

    return json.loads(text, object_hook=plain, parse_float=lambda digits: round(float(digits), 4))


def test_the_page_shows_each_kind_of_request() -> None:
    assert len(SHOWN) == 8
    assert all(answer for _, answer in SHOWN)


@pytest.mark.parametrize("place", range(len(SHOWN)))
def test_an_answer_of_the_page_is_the_services_own(place: int, url: str) -> None:
    command, answer = SHOWN[place]
    assert told(sent(url, command).body) == told(answer)
