"""A user's own code is found beside the declaration first, then anywhere."""

from pathlib import Path

import pytest

from mlops_assets.errors import SpecError, UnknownName
from mlops_assets.spec.place import Place


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    folder = tmp_path / "place_package" / "defs"
    folder.mkdir(parents=True)
    (folder / "contract.py").write_text("class Flights: ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    return Place(folder, "place_package.defs", "defs.yaml:3")


def test_a_module_beside_the_declaration_is_found_first(place: Place) -> None:
    assert place.module("contract") == "place_package.defs.contract"
    assert place.load("contract:Flights").__name__ == "Flights"


def test_an_installed_module_is_found_by_its_name(place: Place) -> None:
    assert place.load("mlops_assets.keys:raw_table")("flights", "a") == "flights/raw/a"


def test_a_missing_module_says_which_file_to_create(place: Place) -> None:
    with pytest.raises(SpecError, match=r"defs.yaml:3: no module 'contracts'.*create .*defs/contracts.py"):
        place.load("contracts:Flights")


def test_a_missing_name_is_answered_with_the_nearest(place: Place) -> None:
    with pytest.raises(UnknownName, match="did you mean 'Flights'"):
        place.load("contract:Flihgts")
