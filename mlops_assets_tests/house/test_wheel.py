"""The wheel holds all that the package needs where it is installed."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

USED = {".py", ".yaml", ".sql", ".typed"}


@pytest.fixture(scope="module")
def held(root: Path, tmp_path_factory: pytest.TempPathFactory) -> zipfile.Path:
    """The built wheel's content; it is built from a copy, so that nothing is left in the checkout."""
    source = tmp_path_factory.mktemp("source")
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        if (root / name).exists():
            (source / name).write_bytes((root / name).read_bytes())
    for file in files(root):
        (source / file).parent.mkdir(parents=True, exist_ok=True)
        (source / file).write_bytes((root / file).read_bytes())
    land = source / "mlops_assets" / "defs" / "elsewhere" / "deep"
    land.mkdir(parents=True)
    for name in ("defs.yaml", "contract.py", "features.sql"):
        (land / name).write_text("")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(source / "dist"), str(source)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return zipfile.Path(next((source / "dist").glob("*.whl")))


def files(root: Path) -> set[str]:
    """The package's own files, by their place below the root."""
    found = (root / "mlops_assets").rglob("*")
    return {str(file.relative_to(root)) for file in found if file.is_file() and file.suffix in USED}


def names(held: zipfile.Path) -> set[str]:
    """Of all files in the wheel."""
    return set(held.root.namelist())


def test_the_wheel_holds_every_file_of_the_package(root: Path, held: zipfile.Path) -> None:
    assert files(root) - names(held) == set()


@pytest.mark.parametrize("name", ["defs.yaml", "contract.py", "features.sql"])
def test_a_use_case_keeps_what_lies_beside_its_yaml(name: str, held: zipfile.Path) -> None:
    assert f"mlops_assets/defs/elsewhere/deep/{name}" in names(held)


def test_the_wheel_holds_no_byte_code_and_no_tests(held: zipfile.Path) -> None:
    assert not [name for name in names(held) if "__pycache__" in name or name.startswith("mlops_assets_tests")]


def test_the_wheel_names_its_command_and_its_components(held: zipfile.Path) -> None:
    entries = (held / "mlops_assets-0.1.0.dist-info" / "entry_points.txt").read_text()
    assert "mlops = mlops_assets.cli.main:main" in entries
    assert "[dagster_dg_cli.registry_modules]\nmlops_assets = mlops_assets" in entries
