"""Who may ask: tokens with a role each, that are issued, end and are revoked while the service runs."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mlops_assets.cli.serve import serve
from mlops_assets.errors import Damaged, NotFound, SpecError, UnknownName
from mlops_assets.rooms.serve import tokens
from mlops_assets.rooms.serve.access import Access
from mlops_assets.rooms.serve.problems import Problem
from mlops_assets.rooms.serve.supervisor import supervised
from mlops_assets.settings import Settings
from mlops_assets_tests.rooms.serve.running import BATCH, MODEL, PREDICT, ROW, ask, release, service
from mlops_assets_tests.rooms.serve.test_swap import until


@pytest.mark.slow
def test_each_role_may_do_its_own_and_an_admin_all_until_a_token_ends(tmp_path: Path) -> None:
    release(tmp_path)
    folder, known = Settings(tmp_path).serving, dict[str, str]()
    with service(tmp_path) as running:

        def status(path: str, role: str, body: Any = None) -> int:
            headers = {"Authorization": f"Bearer {known.get(role, 'guessed')}"} if role else {}
            return ask(running.url, path, body, headers=headers).status

        question = {"inputs": ROW}
        assert status(PREDICT, "", question) == 200, "while no token was ever issued"
        known |= {role: tokens.issue(folder, role) for role in tokens.ROLES}
        until(lambda: status(PREDICT, "", question) == 401)
        assert [status(PREDICT, role, question) for role in ("predict", "admin")] == [200, 200]
        assert [status(PREDICT, role, question) for role in ("feedback", "nobody")] == [403, 401]
        assert [status(BATCH, role, {"instances": [ROW]}) for role in ("predict", "feedback", "")] == [200, 403, 401]
        told = {"id": "x", "model": MODEL, "label": 1}
        assert [status("/v1/feedback", role, told) for role in ("feedback", "predict")] == [202, 403]
        assert [status("/metrics", role) for role in ("admin", "predict", "")] == [200, 403, 401]
        assert [status(path, "") for path in ("/healthz", "/readyz", "/v1/models", "/docs")] == [200, 200, 401, 401]
        for token in tokens.read(folder):
            tokens.revoke(folder, token.name)
        until(lambda: status(PREDICT, "predict", question) == 401)
        assert status(PREDICT, "", question) == 401, "without a token that holds nobody is let in, and not everybody"
    assert all(token not in (folder / tokens.FILE).read_text() for token in known.values())
    assert not any(token in (tmp_path / "serve.log").read_text() for token in known.values())


def test_a_token_ends_by_its_time_and_by_its_name(tmp_path: Path) -> None:
    short, long = (tokens.issue(tmp_path, "predict", lasts=timedelta(seconds=s)) for s in (0, 600))
    access = Access(tmp_path)
    head = {token: {b"authorization": f"bearer {token}".encode()} for token in (short, long)}
    access.check(head[long], "predict")
    with pytest.raises(Problem) as refused:
        access.check(head[short], "predict")
    assert refused.value.status == 401
    assert [token.state.partition(" ")[0] for token in tokens.read(tmp_path)] == ["ended", "until"]
    tokens.revoke(tmp_path, tokens.read(tmp_path)[1].name)
    access.follow()
    with pytest.raises(Problem):
        access.check(head[long], "predict")
    assert access.on
    with pytest.raises(NotFound, match="no such token"):
        tokens.revoke(tmp_path, "00000000")


def test_beyond_loopback_a_service_without_a_token_that_holds_does_not_start(tmp_path: Path) -> None:
    for host in ("0.0.0.0", "127.example.org", "localhost.example.org", ""):  # noqa: S104
        with pytest.raises(SpecError, match="asks for tokens"), supervised(Settings(tmp_path), host=host, port=0):
            pass
    tokens.issue(Settings(tmp_path).serving, "predict", lasts=timedelta(0))
    with pytest.raises(SpecError, match="asks for tokens"), supervised(Settings(tmp_path), host="0.0.0.0", port=0):  # noqa: S104
        pass
    with pytest.raises(UnknownName, match="did you mean 'predict'"):
        tokens.issue(tmp_path, "predicts")


def test_while_nobody_is_asked_for_a_token_no_page_from_elsewhere_asks_under_its_own_name(
    url: str, tmp_path: Path
) -> None:
    def told(path: str, host: str) -> int:
        return ask(url, path, {"inputs": ROW} if path == PREDICT else None, headers={"Host": host}).status

    for path in (PREDICT, "/v1/models", "/readyz"):
        assert [told(path, host) for host in ("localhost", "LOCALHOST:9", "127.0.0.1:80", "[::1]:80")] == [200] * 4
        assert [told(path, host) for host in ("evil.example:80", "127.0.0.1.evil.example", "", "10.0.0.1")] == [421] * 4
        assert told(path, "localhost") == 200
    refused = ask(url, PREDICT, {"inputs": ROW}, headers={"Host": "evil.example"})
    assert refused.json["errors"][0]["allowed"] == ["127.0.0.1", "localhost", "[::1]"]
    assert b"evil" not in refused.body
    Access(tmp_path).check_host({})  # no browser leaves it out


def test_tokens_are_issued_told_and_revoked_by_command_and_a_damaged_file_is_named(tmp_path: Path) -> None:
    def said(*arguments: str) -> str:
        return CliRunner().invoke(serve, ["--home", str(tmp_path), *arguments], catch_exceptions=False).output

    token = said("--issue", "predict", "--lasts", "90d").strip()
    [kept] = tokens.read(Settings(tmp_path).serving)
    listed = said("--tokens")
    assert kept.name in listed
    assert token not in listed
    assert said("--revoke", kept.name) == f"token {kept.name} lets nobody in any more\n"
    assert "revoked" in said("--tokens")
    (Settings(tmp_path).serving / tokens.FILE).write_text("predict xyz\n")
    with pytest.raises(Damaged, match="cannot be read"):
        said("--tokens")
