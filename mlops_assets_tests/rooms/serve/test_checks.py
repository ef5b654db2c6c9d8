"""The asset check says in Dagster what the service says in `/readyz`."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from mlops_assets.rooms.serve.checks import found
from mlops_assets.settings import Settings
from mlops_assets.stores.registry import ModelVersion
from mlops_assets.stores.serving import ServingStore
from mlops_assets_tests.rooms.serve.running import MODEL, release
from mlops_assets_tests.rooms.serve.served import ServedStores


@dataclass
class Registry:
    """Knows its champion."""

    number: int

    def champion(self, model: str) -> ModelVersion:
        return ModelVersion(model, self.number, "run", "digest")


def stores(home: Path, number: int, monkeypatch: pytest.MonkeyPatch) -> ServedStores:
    monkeypatch.setattr(ServedStores, "registry", lambda self: Registry(number))
    return ServedStores(home=str(home))


def test_a_served_champion_is_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no bundle was published" in found(stores(tmp_path, 1, monkeypatch), MODEL)
    digest = release(tmp_path)
    assert found(stores(tmp_path, 1, monkeypatch), MODEL) == ""
    assert "version 1 is served, and version 2" in found(stores(tmp_path, 2, monkeypatch), MODEL)
    store = ServingStore(Settings(tmp_path).serving)
    store.release(MODEL, digest, evidence="guard: version 2: it was slow")
    assert "rolled back by itself" in found(stores(tmp_path, 2, monkeypatch), MODEL)
    (store.root / MODEL / digest / "card.html").write_text("changed")
    assert "card.html" in found(stores(tmp_path, 1, monkeypatch), MODEL)
