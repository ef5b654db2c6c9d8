"""A user's own code is found beside the declaration first, then anywhere."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlops_assets.errors import SpecError, UnknownName
from mlops_assets.spec.place import Place


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    folder = tmp_path / "place_package" / "defs"
    folder.mkdir(parents=True)
    (folder / "contract.py").write_text("class Flights: ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield Place(folder, "place_package.defs", "defs.yaml:3")
    for name in [name for name in sys.modules if name.startswith("place_package")]:
        del sys.modules[name]


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


def test_a_digest_follows_the_users_own_imports_and_nothing_else(place: Place) -> None:
    shared, unrelated = place.folder.parent / "checks.py", place.folder.parent / "unrelated.py"
    (place.folder.parent / "__init__.py").touch()
    (place.folder / "__init__.py").touch()
    (place.folder / "contract.py").write_text("import json\nfrom .. import checks\nclass Flights: ...\n")
    shared.write_text("def positive(x):\n    from place_package.defs import deeper\n    return x > 0\n")
    unrelated.write_text("LIMIT = 1\n")
    before = place.digest("contract:Flights")
    unrelated.write_text("LIMIT = 2\n")
    assert place.digest("contract:Flights") == before
    (place.folder / "deeper.py").write_text("LIMIT = 3\n")
    deeper = place.digest("contract:Flights")
    shared.write_text("def positive(x):\n    return x >= 0\n")
    assert len({before, deeper, place.digest("contract:Flights")}) == 3


def test_the_digest_of_a_librarys_function_is_that_of_one_file(place: Place) -> None:
    from mlops_assets.spec.own_code import files

    assert list(files("sklearn.metrics._regression")) == ["sklearn.metrics._regression"]
    assert list(files("mlops_assets.keys")) == ["mlops_assets.keys"]
    assert len(place.digest("mlops_assets.keys:table")) == 64
