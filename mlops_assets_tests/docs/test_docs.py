"""Every command, link and snippet of the docs is real."""

import re
from pathlib import Path

import click
import dagster as dg
import pytest

from mlops_assets.cli.main import main

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
README = (ROOT / "README.md").read_text()
assert isinstance(main, click.Group)
CONTEXT = click.Context(main)
COMMANDS = main.list_commands(CONTEXT)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text())
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_readme_or_on_a_page(command: str) -> None:
    assert any(f"`mlops {command}" in page.read_text() for page in PAGES)


def test_the_readme_names_no_command_that_is_not_there() -> None:
    named = set(re.findall(r"`mlops ([a-z]+)", README))
    assert named <= set(COMMANDS)


def test_every_option_that_the_readme_names_exists() -> None:
    for line in re.findall(r"^\| `mlops ([a-z]+)([^`]*)`", README, flags=re.MULTILINE):
        command = main.get_command(CONTEXT, line[0])
        assert command is not None
        known = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"--[a-z]+", line[1])) <= known


def test_every_make_target_that_the_readme_names_exists() -> None:
    targets = set(re.findall(r"^([a-z%-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert set(re.findall(r"`?make ([a-z]+)", README)) <= targets | {"and"}


def test_the_snippet_of_the_readme_gives_definitions() -> None:
    [snippet] = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    names: dict[str, object] = {}
    exec(snippet, names)  # noqa: S102 - our own README
    assert isinstance(names["definitions"], dg.Definitions)


def test_the_snippet_of_the_versions_page_reads_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow as pa

    from mlops_assets.settings import Settings
    from mlops_assets.stores.delta import DeltaLake

    monkeypatch.setenv("MLOPS_HOME", str(tmp_path))
    DeltaLake(Settings.from_env().lake).write("flights/clean", pa.table({"a": [1, 2]}), batch="one")
    [snippet] = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "versions.md").read_text(), flags=re.DOTALL)
    names: dict[str, object] = {}
    exec(snippet, names)  # noqa: S102 - our own page
    assert len(names["flights"]) == 2  # type: ignore[arg-type]  # a frame
    assert isinstance(names["first"], pa.Table)


def test_the_snippets_of_the_features_page_look_up_and_test_a_feature(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyarrow.parquet as pq

    from mlops_assets.settings import Settings
    from mlops_assets.stores.delta import DeltaLake
    from mlops_assets_tests.samples import SAMPLES

    monkeypatch.setenv("MLOPS_HOME", str(tmp_path))
    lake = DeltaLake(Settings.from_env().lake)
    for name, file in (("flights", "2013-01"), ("weather", "2013-01"), ("planes", "planes")):
        lake.write(f"{name}/clean", pq.read_table(SAMPLES / name / f"{file}.parquet"), batch=file)
    names: dict[str, object] = {}
    for snippet in re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "features.md").read_text(), flags=re.DOTALL):
        exec(snippet, names)  # noqa: S102 - our own page
    assert {"carrier", "origin", "dest", "tailnum"} <= set(names["lookup"].needs)  # type: ignore[attr-defined]
