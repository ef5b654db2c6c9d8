"""What the page on EDA shows of a dataset is what its own page says: each is drawn again, on the sample."""

import re
from functools import cache
from html import unescape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from mlops_assets.cli import datasets
from mlops_assets.rooms.explore import sketches, whole
from mlops_assets.rooms.validate.batch import validate_batch
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.plan import DatasetPlan
from mlops_assets.stores.cache import FolderCache
from mlops_assets.stores.delta import DeltaLake
from mlops_assets_tests.samples import SAMPLES

PAGE = (Path(__file__).parents[2] / "docs" / "eda.md").read_text()
SHOWN = re.findall(r"```eda ([\w-]+)\n(.*?)```", PAGE, flags=re.DOTALL)
"""A dataset, and lines that its page has, in this order; dots stand for anything."""
BATCHES = {"flights": ("2013-01", "2013-02"), "weather": ("2013-01", "2013-02"), "planes": ("planes",)}
OWN: dict[str, dict[str, Any]] = {"wine": {}, "diabetes": {"groups": ["sex"]}}


@cache
def drawn(name: str) -> list[str]:
    """The lines of the whole page of a dataset."""
    with TemporaryDirectory() as folder:
        home, kept = Path(folder), FolderCache(Path(folder) / "profiles", most=None)
        lake = DeltaLake(home / "data" / "lake")
        for batch in BATCHES.get(name, (name,)):
            rows = own(name) if name in OWN else pq.read_table(SAMPLES / name / f"{batch}.parquet")
            lake.write(f"{name}/raw/{batch}", rows, batch=batch)
            validate_batch(lake, plan(name), batch, home)
        return lines(whole.report(whole.look(lake, plan(name), kept=kept)))


def plan(name: str) -> DatasetPlan:
    if name not in OWN:
        return datasets.one(name)
    declared = {"name": name, "source": {"files": "*"}, "explore": {"target": "target"}, **OWN[name]}
    return DatasetPlan(Dataset.model_validate(declared))


def own(name: str) -> pa.Table:
    from sklearn import datasets as known

    frame: Any = getattr(known, f"load_{name}")(as_frame=True).frame
    return pa.Table.from_pandas(frame, preserve_index=False)


def lines(page: str) -> list[str]:
    """What is to be read on a page: a line a heading, paragraph, row of a table or bar."""
    body = re.sub(r"<(style|svg)\b.*?</\1>", "", page, flags=re.DOTALL)
    apart = re.sub(r"</?(h\d|p|tr|table|figure|figcaption|section|nav)\b[^>]*>|</b>", "\n", body)
    text = re.sub(r"<(td|th|span|b|/div)\b[^>]*>", "  ", apart)
    plain = unescape(re.sub(r"<[^>]+>", "", text))
    return [stripped for line in plain.splitlines() if (stripped := "  ".join(re.split(r"\s{2,}", line.strip())))]


def unsaid(shown: str, found: list[str]) -> list[str]:
    """The lines that are shown and not found, in this order."""
    missing, place = [], 0
    for line in shown.strip().splitlines():
        words = r"\s+".join(re.escape(word).replace(r"\.\.\.", ".*") for word in line.split())
        places = [n for n in range(place, len(found)) if re.fullmatch(words, found[n])]
        place = places[0] + 1 if places else place
        missing += [] if places else [line]
    return missing


def test_every_dataset_of_the_issue_is_shown() -> None:
    assert {name for name, _ in SHOWN} == {*BATCHES, *OWN}


@pytest.mark.parametrize("name", sorted({name for name, _ in SHOWN}))
def test_what_is_shown_of_a_dataset_is_what_its_page_says(name: str) -> None:
    for shown in (block for of, block in SHOWN if of == name):
        assert unsaid(shown, drawn(name)) == []


def test_a_line_that_a_page_does_not_say_is_told() -> None:
    assert unsaid("a 1\nb 2", ["a  1", "b  3"]) == ["b 2"]
    assert unsaid("b 3\na 1", ["a  1", "b  3"]) == ["a 1"]


def test_what_september_says_of_the_flights_is_told_by_its_sketches() -> None:
    from mlops_assets.defs.flight_delays.source import flights

    rows = flights().select(["month", "arr_delay"])
    months = [sketches.of_table(rows.filter(pc.equal(rows["month"], n)).select(["arr_delay"])) for n in range(1, 10)]
    *earlier, september = months
    last, ever = (
        sketches.distances(each, september)["arr_delay"] for each in (earlier[-1], sketches.together(earlier))
    )
    [said] = re.findall(r"`arr_delay: distribution, (\S+) from the batch before, (\S+) from all 8 before`", PAGE)
    assert (last, ever) == pytest.approx(tuple(map(float, said)), abs=0.01)
