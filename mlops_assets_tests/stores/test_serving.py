"""Bundles are whole or refused, and what is live is what this home has signed."""

import json
from pathlib import Path

import pytest

from mlops_assets.errors import Damaged, NotFound, StoreError
from mlops_assets.stores.serving import ServingStore

FILES = {"model.onnx": b"onnx", "card.html": b"card"}


@pytest.fixture
def store(tmp_path: Path) -> ServingStore:
    return ServingStore(tmp_path)


def test_a_bundle_comes_back_as_it_was_put_and_is_kept_once(store: ServingStore) -> None:
    digest = store.put("late", {"version": 1}, FILES)
    assert store.put("late", {"version": 1}, FILES) == digest
    assert store.put("late", {"version": 2}, FILES) != digest
    found = store.load("late", digest)
    assert found.files == FILES
    assert found.manifest["version"] == 1
    assert not [path for path in (store.root / "late").iterdir() if path.name.endswith(".tmp")]


@pytest.mark.parametrize("name", ["model.onnx", "card.html", "manifest.json"])
def test_a_flipped_bit_is_refused(name: str, store: ServingStore) -> None:
    digest = store.put("late", {"version": 1}, FILES)
    path = store.root / "late" / digest / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(Damaged, match=f"{name} in a serving bundle of 'late' was changed"):
        store.load("late", digest)


def test_a_file_too_many_or_too_few_is_refused(store: ServingStore) -> None:
    digest = store.put("late", {"version": 1}, FILES)
    (store.root / "late" / digest / "extra.py").write_text("")
    with pytest.raises(Damaged, match=r"extra\.py"):
        store.load("late", digest)
    (store.root / "late" / digest / "extra.py").unlink()
    (store.root / "late" / digest / "card.html").unlink()
    with pytest.raises(Damaged, match=r"card\.html"):
        store.load("late", digest)


def test_a_digest_that_is_a_path_finds_nothing(store: ServingStore) -> None:
    with pytest.raises(NotFound):
        store.load("late", "../../etc")


def test_a_release_remembers_the_one_before_and_needs_evidence(store: ServingStore) -> None:
    one, two = (store.put("late", {"version": number}, FILES) for number in (1, 2))
    assert store.live("late") is None
    assert store.models() == []
    with pytest.raises(StoreError, match="without evidence"):
        store.release("late", one, evidence=" ")
    store.release("late", one, evidence="verdict")
    store.challenge("late", (two,))
    live = store.release("late", two, evidence="verdict")
    assert (live.champion, live.previous, live.challengers) == (two, one, ())
    assert store.release("late", two, evidence="verdict").previous == one
    assert store.live("late") == live
    assert store.models() == ["late"]


def test_a_damaged_bundle_is_not_released_and_the_old_one_stays(store: ServingStore) -> None:
    one, two = (store.put("late", {"version": number}, FILES) for number in (1, 2))
    store.release("late", one, evidence="verdict")
    (store.root / "late" / two / "model.onnx").write_bytes(b"evil")
    with pytest.raises(Damaged):
        store.release("late", two, evidence="verdict")
    live = store.live("late")
    assert live is not None
    assert live.champion == one


@pytest.mark.parametrize("changed", ["champion", "evidence", "signature"])
def test_a_live_file_that_this_home_did_not_write_is_refused(changed: str, store: ServingStore) -> None:
    one, two = (store.put("late", {"version": number}, FILES) for number in (1, 2))
    store.release("late", one, evidence="verdict")
    body = json.loads(store.live_path("late").read_bytes())
    store.live_path("late").write_text(json.dumps(body | {changed: two}))
    with pytest.raises(Damaged, match="not signed"):
        store.live("late")
    store.live_path("late").write_text("{half")
    with pytest.raises(Damaged, match="cannot be read"):
        store.live("late")


def test_the_key_is_the_owners_alone(store: ServingStore) -> None:
    digest = store.put("late", {"version": 1}, FILES)
    store.release("late", digest, evidence="verdict")
    assert (store.root / ".key").stat().st_mode & 0o077 == 0
