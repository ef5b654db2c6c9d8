"""A reference is looked up in a module's text, which is not imported."""

from pathlib import Path

import pytest

from mlops_assets.components.origin import Origin
from mlops_assets.components.references import check, defined
from mlops_assets.errors import SpecError

TEXT = """\
import os.path as op
from typing import Any
raise RuntimeError("imported")
A = B = 1
C, (D, *E) = 1, (2, 3)
f: int = 4
if op:
    def g(): inner = 1
else:
    class H: method = 1
try:
    import json
except ImportError:
    json2 = None
with op as handle:
    Z = 1
"""


def test_every_top_level_name_is_found_and_no_inner_one(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text(TEXT)
    names = {"op", "Any", "A", "B", "C", "D", "E", "f", "g", "H", "json", "json2", "Z"}
    assert defined(file, "here") == names


@pytest.mark.parametrize("text", ["from os import *\n", "def __getattr__(name): ...\n"])
def test_a_module_whose_names_its_text_does_not_tell_is_left_to_run_time(tmp_path: Path, text: str) -> None:
    (tmp_path / "module.py").write_text(text)
    check("module:Anything", Origin(tmp_path), "here")


def test_a_module_that_is_no_python_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("x = 1\ndef (\n")
    with pytest.raises(SpecError, match=r"here: .*module.py:2 is no Python"):
        check("module:x", Origin(tmp_path), "here")


def test_a_module_of_a_package_beside_the_declaration_is_found(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "module.py").write_text("x = 1\n")
    check("sub.module:x", Origin(tmp_path), "here")


def test_an_installed_module_is_found_by_its_name(tmp_path: Path) -> None:
    check("mlops_assets.keys:table", Origin(tmp_path), "here")
    with pytest.raises(SpecError, match="did you mean 'table'"):
        check("mlops_assets.keys:tabel", Origin(tmp_path), "here")
