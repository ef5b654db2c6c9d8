"""The lock pins everything by hash, fits what the package asks for, and no tracked file names a package index."""

import re
import subprocess
from configparser import ConfigParser
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCKED_EXTRAS = ("demo", "search", "postgres", "redis", "rest", "dev")
# Each host is spelled in two halves, so that this file does not name one either.
HALVES = [
    ("pypi", r"\.org"),
    ("pythonhosted", r"\.org"),
    ("pypi\\.python", r"\.org"),
    ("anaconda", r"\.org"),
    ("npmjs", r"\.(org|com)"),
    ("proxy\\.golang", r"\.org"),
]
HOST = re.compile("|".join(first + last for first, last in HALVES), re.IGNORECASE)
OPTION = re.compile(r"^\s*--(index-url|extra-index-url|find-links|trusted-host)", re.MULTILINE)


def pins(lock: str) -> list[str]:
    """The lock's entries: a pin and its hashes each."""
    return re.split(r"\n(?=\S)", lock.strip())


def requirements(root: Path) -> list[Requirement]:
    """All that setup.cfg asks for and the lock answers."""
    config = ConfigParser()
    config.read(root / "setup.cfg")
    texts = [config["options"]["install_requires"]]
    texts += [config["options.extras_require"][extra] for extra in LOCKED_EXTRAS]
    lines = (line.strip() for text in texts for line in text.splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def test_every_pin_has_a_hash(root: Path) -> None:
    for pin in pins((root / "requirements.lock").read_text()):
        assert re.match(r"[a-z0-9.-]+(\[[a-z,]+\])?==\S+", pin), pin
        assert "--hash=sha256:" in pin, pin


def test_the_lock_answers_every_requirement(root: Path) -> None:
    locked = {}
    for pin in pins((root / "requirements.lock").read_text()):
        found = Requirement(pin.split(" \\\n")[0])
        locked[canonicalize_name(found.name)] = str(found.specifier).removeprefix("==")
    for wanted in requirements(root):
        name = canonicalize_name(wanted.name)
        assert name in locked, f"{wanted} is not in the lock; next: make lock"
        assert wanted.specifier.contains(locked[name]), f"{wanted} is locked at {locked[name]}; next: make lock"


def test_the_lock_names_no_host(root: Path) -> None:
    lock = (root / "requirements.lock").read_text()
    assert "://" not in lock
    assert OPTION.search(lock) is None


def test_no_tracked_file_names_a_package_index(root: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    names = {name for name in listed.stdout.split("\0") if name and (root / name).is_file()}
    assert "setup.cfg" in names
    guilty = {name for name in names if HOST.search((root / name).read_bytes().decode(errors="ignore"))}
    assert guilty == set()
