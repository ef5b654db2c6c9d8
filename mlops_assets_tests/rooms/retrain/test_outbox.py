"""Messages reach people by webhook and e-mail; a failure is recorded, tried again, and stops nothing."""

import base64
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from mlops_assets.rooms.retrain.channels import Message
from mlops_assets.rooms.retrain.outbox import ATTEMPTS, DELIVERY, deliver, notify, undelivered
from mlops_assets.spec.retrain import Notify
from mlops_assets.stores.lineage import SqliteLineage

SAID = Message("late: retraining did not help", "Version 2 <was> refused & 1 stays.", (("drift", "http://x/d.html"),))


class Hook(BaseHTTPRequestHandler):
    """Takes what is posted, or refuses it."""

    def do_POST(self) -> None:
        server: Any = self.server
        server.taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(server.answers.pop(0) if server.answers else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Sink(socketserver.StreamRequestHandler):
    """As much of SMTP as a client needs to hand over a letter."""

    def handle(self) -> None:
        server: Any = self.server
        self.wfile.write(b"220 sink\r\n")
        while line := self.rfile.readline():
            word = line.strip().upper().split(b" ")[0]
            if word == b"EHLO":
                self.wfile.write(b"250-sink\r\n250 AUTH PLAIN\r\n")
                continue
            if word == b"AUTH":
                server.taken.append(base64.b64decode(line.split()[-1]).decode())
                self.wfile.write(b"235 come in\r\n" if not server.answers else b"535 who are you\r\n")
                continue
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                letter = b"".join(iter(self.rfile.readline, b".\r\n"))
                server.taken.append(letter.decode())
            if word == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            self.wfile.write(b"250 fine\r\n")


@contextmanager
def running(server: Any) -> Iterator[Any]:
    server.taken, server.answers = [], []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def hook() -> Iterator[Any]:
    with running(HTTPServer(("127.0.0.1", 0), Hook)) as server:
        yield server


@pytest.fixture
def sink() -> Iterator[Any]:
    with running(socketserver.TCPServer(("127.0.0.1", 0), Sink)) as server:
        yield server


@pytest.fixture
def lineage(tmp_path: Path) -> SqliteLineage:
    found = SqliteLineage(tmp_path / "lineage.db")
    notify(found, "late", "refused", SAID, about="abc")
    return found


def web(hook: Any) -> Notify:
    return Notify.model_validate({"webhook": f"http://127.0.0.1:{hook.server_address[1]}/T0K3N"})


def test_a_webhook_gets_slacks_json_once(lineage: SqliteLineage, hook: Any, tmp_path: Path) -> None:
    told = deliver(lineage, "late", web(hook), lock=tmp_path / "lock")
    assert told == ["told a person by webhook"]
    (body,) = hook.taken
    assert body["text"].splitlines() == [
        "*late: retraining did not help*",
        "Version 2 &lt;was&gt; refused &amp; 1 stays.",
        "<http://x/d.html|drift>",
    ]
    assert deliver(lineage, "late", web(hook), lock=tmp_path / "lock") == []
    assert len(hook.taken) == 1


def test_an_e_mail_goes_to_everybody_named(lineage: SqliteLineage, sink: Any, tmp_path: Path) -> None:
    mailbox = {"to": ["ada@x.org", "bob@x.org"], "host": "127.0.0.1", "port": sink.server_address[1]}
    declared = Notify.model_validate({"email": mailbox})
    assert deliver(lineage, "late", declared, lock=tmp_path / "lock") == ["told a person by email"]
    (letter,) = sink.taken
    assert "Subject: late: retraining did not help" in letter
    assert "To: ada@x.org, bob@x.org" in letter
    assert "drift: http://x/d.html" in letter


@pytest.mark.parametrize("known", [True, False])
def test_an_e_mail_server_that_asks_who_is_there_is_told_and_its_no_is_recorded(
    lineage: SqliteLineage, sink: Any, tmp_path: Path, known: bool
) -> None:
    sink.answers[:] = [] if known else ["no"]
    named = {"to": ["ada@x.org"], "host": "127.0.0.1", "port": sink.server_address[1]}
    declared = Notify.model_validate({"email": {**named, "user": "mlops", "password": "s3cret"}})
    (told,) = deliver(lineage, "late", declared, lock=tmp_path / "lock")
    assert sink.taken[0] == "\0mlops\0s3cret"
    assert len(sink.taken) == 1 + known
    assert told.startswith("told a person by email" if known else "could not tell a person by email, attempt 1 of 10")
    assert "s3cret" not in json.dumps([record.body for record in lineage.records()])


def test_a_failure_is_recorded_without_the_secret_and_tried_again_later(
    lineage: SqliteLineage, hook: Any, tmp_path: Path
) -> None:
    hook.answers[:] = [500]
    lock, now = tmp_path / "lock", datetime.now(UTC)
    (told,) = deliver(lineage, "late", web(hook), lock=lock)
    assert told.startswith("could not tell a person by webhook, attempt 1 of 10: HTTPError: HTTP Error 500")
    (parcel,) = undelivered(lineage, "late", web(hook))
    assert "500" in parcel.error
    assert deliver(lineage, "late", web(hook), lock=lock, now=now) == []
    assert deliver(lineage, "late", web(hook), lock=lock, now=now + timedelta(minutes=2)) == [
        "told a person by webhook"
    ]
    assert undelivered(lineage, "late", web(hook)) == []
    assert "T0K3N" not in json.dumps([record.body for record in lineage.records()])


def test_nobody_there_raises_nothing_and_is_given_up_in_the_end(lineage: SqliteLineage, tmp_path: Path) -> None:
    declared = Notify.model_validate({"webhook": "http://127.0.0.1:1/"})
    for days in range(2 * ATTEMPTS):
        deliver(lineage, "late", declared, lock=tmp_path / "lock", now=datetime.now(UTC) + timedelta(days=days))
    assert len(lineage.records(DELIVERY, "late")) == ATTEMPTS
    (parcel,) = undelivered(lineage, "late", declared)
    assert parcel.given_up
    assert "refused" in parcel.error


def test_each_channel_is_delivered_to_on_its_own(lineage: SqliteLineage, hook: Any, tmp_path: Path) -> None:
    both = {"webhook": f"http://127.0.0.1:{hook.server_address[1]}/", "email": {"to": ["a@x"], "port": 1}}
    told = deliver(lineage, "late", Notify.model_validate(both), lock=tmp_path / "lock")
    assert told[0] == "told a person by webhook"
    assert told[1].startswith("could not tell a person by email")


@pytest.mark.parametrize("wrong", [{"webhook": "hooks.slack.com/x"}, {"email": {"to": []}}])
def test_what_cannot_be_reached_is_refused_when_it_is_declared(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Notify.model_validate(wrong)


def test_secrets_are_not_shown() -> None:
    declared = Notify.model_validate(
        {"webhook": "https://x/T0K3N", "email": {"to": ["a@x"], "user": "u", "password": "s3cret"}}
    )
    assert "T0K3N" not in repr(declared) + declared.model_dump_json()
    assert "s3cret" not in repr(declared) + declared.model_dump_json()
