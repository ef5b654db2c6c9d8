"""Messages reach people by webhook and e-mail; a failure is recorded, tried again, and stops nothing."""

import base64
import json
import socketserver
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import ValidationError

from mlops_assets.rooms.retrain import channels
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

    def sealed(self, context: ssl.SSLContext) -> bool:
        """Go on in secret; whether the other side believes who this is."""
        try:
            self.connection = context.wrap_socket(self.connection, server_side=True)
        except OSError:
            return False
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", buffering=0)
        return True

    def finish(self) -> None:
        super().finish()
        self.connection.close()

    def handle(self) -> None:
        server: Any = self.server
        self.wfile.write(b"220 sink\r\n")
        while line := self.rfile.readline():
            word = line.strip().upper().split(b" ")[0]
            if word == b"EHLO":
                offered = b"250-STARTTLS\r\n" if server.tls and not isinstance(self.connection, ssl.SSLSocket) else b""
                self.wfile.write(b"250-sink\r\n" + offered + b"250 AUTH PLAIN\r\n")
                continue
            if word == b"STARTTLS":
                self.wfile.write(b"220 go ahead\r\n")
                if not self.sealed(server.tls):
                    return
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
    server.taken, server.answers, server.tls = [], [], None
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


def by_tls(sink: Any) -> Notify:
    named = {"to": ["ada@x.org"], "host": "127.0.0.1", "port": sink.server_address[1], "starttls": True}
    return Notify.model_validate({"email": {**named, "user": "mlops", "password": "s3cret"}})


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


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 that is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sink")])
    now, here = datetime.now(UTC), x509.IPAddress(ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([here]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    (folder / "certificate.pem").write_bytes(made.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return folder / "certificate.pem", folder / "key.pem"


@pytest.fixture
def secret_sink(sink: Any, certificate: tuple[Path, Path]) -> Any:
    """It can go on in secret."""
    sink.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    sink.tls.load_cert_chain(*certificate)
    return sink


def test_an_e_mail_goes_by_tls_to_a_server_that_is_known(
    lineage: SqliteLineage,
    secret_sink: Any,
    certificate: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    assert deliver(lineage, "late", by_tls(secret_sink), lock=tmp_path / "lock") == ["told a person by email"]
    assert secret_sink.taken[0] == "\0mlops\0s3cret"
    assert "Subject: late: retraining did not help" in secret_sink.taken[1]


def test_a_server_that_nobody_vouches_for_gets_neither_password_nor_letter(
    lineage: SqliteLineage, secret_sink: Any, tmp_path: Path
) -> None:
    (told,) = deliver(lineage, "late", by_tls(secret_sink), lock=tmp_path / "lock")
    assert "certificate verify failed" in told
    assert secret_sink.taken == []


def test_a_server_without_tls_is_not_told_the_password_where_tls_is_declared(
    lineage: SqliteLineage, sink: Any, tmp_path: Path
) -> None:
    (told,) = deliver(lineage, "late", by_tls(sink), lock=tmp_path / "lock")
    assert "STARTTLS extension not supported" in told
    assert sink.taken == []


def test_two_daemons_deliver_once(lineage: SqliteLineage, hook: Any, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda _: deliver(lineage, "late", web(hook), lock=tmp_path / "lock"), range(4)))
    assert sorted(told) == [[], [], [], ["told a person by webhook"]]
    assert len(hook.taken) == 1


def test_a_kill_before_delivery_loses_no_message_and_one_after_it_repeats_one(
    lineage: SqliteLineage, hook: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise SystemExit

    for dies, posts in ((channels, "post"), (SqliteLineage, "append")):
        with monkeypatch.context() as patch:
            patch.setattr(dies, posts, killed)
            with pytest.raises(SystemExit):
                deliver(lineage, "late", web(hook), lock=tmp_path / "lock")
    assert len(hook.taken) == 1
    again = SqliteLineage(tmp_path / "lineage.db")
    assert deliver(again, "late", web(hook), lock=tmp_path / "lock") == ["told a person by webhook"]
    assert len(hook.taken) == 2
    assert undelivered(again, "late", web(hook)) == []


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
