from pathlib import Path

from mlops_assets.stores import cache
from mlops_assets.stores.cache import FolderCache


def test_what_is_kept_is_found_and_nothing_else(tmp_path: Path) -> None:
    held = FolderCache(tmp_path)
    assert held.get("late/trips", "a") is None
    held.put("late/trips", "a", b"first")
    held.put("late/trips", "a", b"second")
    held.put("late_trips", "a", b"other")
    assert FolderCache(tmp_path).get("late/trips", "a") == b"second"
    assert held.get("late/trips", "b") is None


def test_a_changed_file_is_as_good_as_none(tmp_path: Path) -> None:
    held = FolderCache(tmp_path)
    held.put("m", "a", b"right")
    path = tmp_path / "m" / "a"
    for wrong in (path.read_bytes().replace(b"right", b"wrong"), b"", path.read_bytes()[:-1]):
        path.write_bytes(wrong)
        assert held.get("m", "a") is None


def test_of_one_name_the_files_asked_for_longest_ago_make_room(tmp_path: Path) -> None:
    import os

    held = FolderCache(tmp_path)
    for number in range(cache.MOST):
        held.put("m", f"{number}", b"")
        os.utime(tmp_path / "m" / f"{number}", (number, number))
    held.put("n", "0", b"")
    assert held.get("m", "0") == b""
    held.put("m", "new", b"")
    left = {path.name for path in (tmp_path / "m").iterdir()}
    assert left == {"0", "new", *(f"{number}" for number in range(2, cache.MOST))}
    assert held.get("n", "0") == b""
