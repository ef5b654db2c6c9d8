"""Provenance: any change of the code shows, committed or not, and with or without git."""

import subprocess
from pathlib import Path

import pytest

from mlops_assets.stores.provenance import code_state, environment, patch


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "a.py").write_text("1")
    git(folder, "init", "--quiet")
    git(folder, "config", "user.email", "a@example.org")
    git(folder, "config", "user.name", "A")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "one")
    return folder


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, text=True).stdout.strip()


def test_a_clean_repository_is_its_tree(repository: Path) -> None:
    state = code_state(repository)
    assert (state.commit, state.tree) == (git(repository, "rev-parse", "HEAD"), git(repository, "write-tree"))
    assert state.diff == ""


def test_what_was_not_committed_shows(repository: Path) -> None:
    (repository / "a.py").write_text("2")
    changed = code_state(repository)
    (repository / "new.py").write_text("3")
    added = code_state(repository)
    (repository / "new.py").write_text("4")
    inside = repository / "inside"
    inside.mkdir()
    seen = {code_state(repository).diff, changed.diff, added.diff, ""}
    assert len(seen) == 4
    assert code_state(inside) == code_state(repository)


def test_data_and_what_git_ignores_are_no_code(repository: Path) -> None:
    (repository / ".gitignore").write_text("*.tmp\n")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--message", "two")
    (repository / "x.tmp").write_text("1")
    (repository / "data").mkdir()
    (repository / "data" / "x.py").write_text("1")
    assert code_state(repository).diff == ""


def test_an_environment_that_git_ignores_too_is_no_code(repository: Path) -> None:
    (repository / ".gitignore").write_text(".venv/\n")
    (repository / ".venv").mkdir()
    (repository / ".venv" / "x.py").write_text("1")
    (repository / "gone.py").write_text("1")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--message", "two")
    assert code_state(repository).diff == ""
    (repository / "gone.py").unlink()
    assert b"deleted file" in patch(repository)


def test_without_git_the_package_is_hashed(tmp_path: Path) -> None:
    package = tmp_path / "package"
    (package / "__pycache__").mkdir(parents=True)
    (package / "a.py").write_text("1")
    before = code_state(tmp_path, package=package)
    (package / "__pycache__" / "a.pyc").write_text("1")
    assert code_state(tmp_path, package=package) == before
    (package / "a.py").write_text("2")
    after = code_state(tmp_path, package=package)
    assert (after.commit, after.diff) == ("", "")
    assert after.tree != before.tree


def test_an_environment_is_64_hex_digits() -> None:
    assert len(bytes.fromhex(environment())) == 32
