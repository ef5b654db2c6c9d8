"""Posted rows: acknowledged only when they can't be lost, cut into batches; what is wrong is told to the sender."""

import json
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_assets.errors import Conflict, LandingError, StoreError
from mlops_assets.rooms.ingest.journal import Journal
from mlops_assets.rooms.ingest.landing import arrivals
from mlops_assets.rooms.ingest.posts import Post
from mlops_assets.rooms.ingest.readers import read
from mlops_assets.rooms.ingest.service import app
from mlops_assets.spec.dataset import Dataset, Period
from mlops_assets.spec.source import Source

TRIPS = Dataset(name="trips", source=Source(stream=True, rows=4))
SERVER = """
import sys, uvicorn
from pathlib import Path
from mlops_assets.rooms.ingest.service import app
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.source import Source
trips = Dataset(name="trips", source=Source(stream=True, rows=40))
uvicorn.run(app([trips], Path(sys.argv[1])), port=int(sys.argv[2]), log_level="error")
"""


def body(*numbers: int) -> bytes:
    return b"".join(json.dumps({"id": number}).encode() + b"\n" for number in numbers)


def landed(home: Path, dataset: Dataset = TRIPS) -> dict[str, list[str]]:
    """Batch to the ids in it, as the readers read them."""
    return {found.batch: read(found.path)["id"].to_pylist() for found in arrivals(dataset, home)}


class Client:
    """Speaks to the service over HTTP, as any sender does."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(self, to: str, content: bytes | None = None, **headers: str) -> tuple[int, str]:
        request = Request(f"http://127.0.0.1:{self.port}{to}", data=content, headers=headers)
        try:
            with urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
                return answer.status, answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def rows(self) -> int:
        held: int = json.loads(self.ask("/health")[1])["streams"]["trips"]["rows"]
        return held


@contextmanager
def service(home: Path) -> Iterator[Client]:
    """The service in a thread, at a port of its own."""
    from uvicorn import Config, Server

    datasets = [TRIPS, Dataset(name="other", source=Source(files="x"))]
    server = Server(Config(app(datasets, home, body_bytes=500), port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield Client(server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with service(tmp_path_factory.mktemp("refused")) as opened:
        yield opened


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(TRIPS, tmp_path)
    opened.recover()
    yield opened
    opened.close()


def test_posts_are_acknowledged_cut_by_size_and_land_at_the_end(tmp_path: Path) -> None:
    with service(tmp_path) as client:
        answers = [client.ask("/ingest/trips", body(n, n + 1)) for n in (1, 3, 5)]
        assert [status for status, _ in answers] == [202] * 3
        told = [json.loads(text) for _, text in answers]
        assert [answer["accepted"] for answer in told] == [2] * 3
        assert told[0]["batch"] == told[1]["batch"] != told[2]["batch"]
        assert landed(tmp_path) == {told[0]["batch"]: ["1", "2", "3", "4"]}
        assert client.rows() == 2
    assert landed(tmp_path)[told[2]["batch"]] == ["5", "6"]


@pytest.mark.parametrize(
    ("to", "content", "status", "said"),
    [
        ("/ingest/trip", b'{"id": 1}', 404, "did you mean 'trips'"),
        ("/ingest/other", b'{"id": 1}', 404, "unknown stream 'other'"),
        ("/ingest/..%2F..%2Fup", b'{"id": 1}', 404, ""),
        ("/ingest/trips", b"", 400, "empty"),
        ("/ingest/trips", b'{"id": 1}\n{"id": ', 400, "line 2: "),
        ("/ingest/trips", b'[{"id": 1}]', 400, "not list"),
        ("/ingest/trips", b'{"id": NaN}', 400, "NaN is no JSON"),
        ("/ingest/trips", b'{"id": 1, "id": 2}', 400, "a key comes twice"),
        ("/ingest/trips", b'{"id": 1, "ID": 2}', 400, "no names for columns"),
        ("/ingest/trips", b'{"_batch": 1}', 400, "no names for columns: '_batch'"),
        ("/ingest/trips", b'{"id": "\\ud800"}', 400, "surrogates not allowed"),
        ("/ingest/trips", b'{"id": "\xff"}', 400, "utf-8"),
        ("/ingest/trips", b'{"a":' * 90_000, 413, "allowed: 500 bytes"),
    ],
)
def test_a_post_that_is_wrong_is_told_and_leaves_nothing(
    client: Client, to: str, content: bytes, status: int, said: str
) -> None:
    answered, text = client.ask(to, content)
    assert (answered, said in text) == (status, True), text
    assert client.rows() == 0


def test_a_compressed_body_and_another_method_are_refused(client: Client) -> None:
    assert client.ask("/ingest/trips", b"x", **{"Content-Encoding": "gzip"})[0] == 415
    assert client.ask("/ingest/trips")[0] == 405


def test_a_key_in_another_spelling_is_refused(journal: Journal) -> None:
    journal.admit(Post.of(b'{"Id": 1}'))
    with pytest.raises(LandingError, match="came before in another spelling; allowed: 'Id'"):
        journal.admit(Post.of(b'{"id": 1}'))


def test_a_batch_is_cut_by_age(journal: Journal) -> None:
    journal.append(Post.of(body(1)).rows)
    assert not journal.due()
    assert journal.due(datetime.now(UTC) + timedelta(hours=1))


def test_one_process_has_the_journal(journal: Journal, tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="another process"):
        Journal(TRIPS, tmp_path).recover()


def test_half_a_row_was_never_acknowledged(tmp_path: Path) -> None:
    folder = tmp_path / "data/landing/trips"
    folder.mkdir(parents=True)
    (folder / ".open-2013-01-01T000000.000000Z.jsonl").write_bytes(body(1, 2) + b'{"id": 3')
    journal = Journal(TRIPS, tmp_path)
    journal.recover()
    journal.close()
    assert landed(tmp_path) == {"2013-01-01T000000.000000Z": ["1", "2"]}


def test_a_stretch_is_a_batch_and_late_rows_find_theirs_also_after_a_kill(tmp_path: Path) -> None:
    hourly = Dataset(name="trips", source=Source(stream=True), event_time="at", period=Period(every="hour"))
    rows = [{"id": n, "at": f"2013-01-01T0{n % 2}:30:00Z"} for n in range(4)]
    content = b"".join(json.dumps(row).encode() + b"\n" for row in [*rows, {"id": 9, "at": "never"}])
    open_file = tmp_path / "data/landing/trips/.open-2013-01-01T090000.000000Z.jsonl"
    for _ in range(2):  # the second time as if the process had been killed before the journal was removed
        open_file.parent.mkdir(parents=True, exist_ok=True)
        open_file.write_bytes(content)
        journal = Journal(hourly, tmp_path)
        journal.recover()
        journal.close()
        found = landed(tmp_path, hourly)
        assert {batch[:13]: ids for batch, ids in found.items() if batch.startswith("2013")} == {
            "2013-01-01T00": ["0", "2"],
            "2013-01-01T01": ["1", "3"],
        }
        assert sorted(len(ids) for ids in found.values()) == [1, 2, 2]
        assert not open_file.exists()


def test_a_full_disk_refuses_the_post_and_keeps_what_was_acknowledged(journal: Journal, tmp_path: Path) -> None:
    """A real limit of the kernel on the size of files, from which the write returns half done."""
    journal.append(Post.of(body(1)).rows)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(StoreError, match="could not be kept"):
            journal.append(Post.of(body(*range(100, 200))).rows)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    journal.append(Post.of(body(2)).rows)
    journal.close()
    assert list(landed(tmp_path).values()) == [["1", "2"]]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)

NAMES = st.sampled_from(["a", "B", "ü", "it's", '"', "select 1; --", "../x"]) | st.text()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dictionaries(NAMES, VALUES), max_size=4))
def test_whatever_is_accepted_is_read_row_for_row(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, object]]
) -> None:
    try:
        post = Post.of(b"\n".join(json.dumps(row, ensure_ascii=len(rows) % 2 == 0).encode() for row in rows))
        Journal(TRIPS, Path()).admit(post)
    except (LandingError, UnicodeEncodeError):
        return
    file = tmp_path_factory.mktemp("posted") / "batch.jsonl"
    file.write_bytes(b"\n".join(post.rows) + b"\n")
    assert read(file).num_rows == len(post.rows)


@pytest.mark.slow
def test_what_was_acknowledged_survives_any_kill(tmp_path: Path) -> None:
    chance, acknowledged, port = random.Random(3), [], 4150  # noqa: S311 - the moments of the kills, repeatable
    number = 0
    for _ in range(3):
        with subprocess.Popen([sys.executable, "-c", SERVER, str(tmp_path), str(port)]) as server:
            threading.Timer(chance.uniform(1.5, 2.5), server.send_signal, [signal.SIGKILL]).start()
            while server.poll() is None:
                number += 1
                try:
                    request = Request(f"http://127.0.0.1:{port}/ingest/trips", data=body(number), method="POST")
                    with urlopen(request, timeout=5) as answer:  # noqa: S310 - loopback
                        assert answer.status == 202
                    acknowledged.append(str(number))
                except (URLError, ConnectionError, TimeoutError, HTTPError):
                    time.sleep(0.05)
    last = Journal(TRIPS, tmp_path)
    last.recover()
    last.close()
    found = [number for ids in landed(tmp_path).values() for number in ids]
    assert len(acknowledged) > 40
    assert set(acknowledged) <= set(found)
    assert len(found) == len(set(found))
