"""A snapshot three releases old comes back whole, after code, data, contract and a library's version have changed."""

import json
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pytest

from mlops_assets.errors import NotFound, StoreError
from mlops_assets.rooms.govern import remake
from mlops_assets.rooms.govern.comparison import compare, side
from mlops_assets.rooms.govern.reroll import REMADE, Reroll
from mlops_assets.rooms.govern.subject import Subject, find
from mlops_assets.rooms.train.failure import watched
from mlops_assets.rooms.train.select import leaderboard
from mlops_assets.rooms.train.training_set import examples
from mlops_assets.rooms.train.tuning import Variant
from mlops_assets.rooms.validate.pandera_models import from_pandera
from mlops_assets.rooms.validate.split import Split, split
from mlops_assets.spec.place import Place
from mlops_assets.spec.plan import ModelPlan
from mlops_assets.stores.delta import DeltaLake
from mlops_assets.stores.environments import Environments
from mlops_assets_tests import wheels
from mlops_assets_tests.rooms import trips
from mlops_assets_tests.rooms.commands import mlops

pytestmark = pytest.mark.slow

OWN = """\
import tinylib
from mlops_assets.rooms.train.candidates import logistic

def tuned(features, seed):
    found = logistic(features, seed)
    found.set_params(model__C=tinylib.C{factor})
    return found

def broken(features, seed):
    raise ValueError("no model today, " + tinylib.NAME)
"""

CONTRACT = """\
import pandera.pandas as pa
from pandera.typing import Series


class Trips(pa.DataFrameModel):
    trip: Series[int]
    event_time: Series["datetime64[us, UTC]"]
    distance: Series[float] = pa.Field({distance}, nullable=True)
    rain: Series[float]
    noise: Series[float]
    carrier: Series[str] = pa.Field(nullable=True)
    origin: Series[str]
    label: Series[float]
"""
PAGE = (Path(__file__).parents[3] / "docs" / "reroll.md").read_text()
DRY, VERIFIED = re.findall(r"```console\n\$ mlops reroll .*\n((?:.+\n)+)```", PAGE)
"""What the page shows of a dry run, and of a proof."""
WIDE = 300
SPRING, SUMMER = trips.rows(1_200).slice(0, 900), trips.rows(1_200).slice(900)
FIRST, LOOSE, TIGHT = ({"distance": f"ge={least}"} for least in (-1, -1.5, -0.5))
"""What the contract asks of a distance: committed, changed but not committed, and committed later."""


@dataclass(frozen=True)
class Shop:
    """A user's project in git, with stores that have seen four releases of its model."""

    root: Path
    world: trips.World

    def plan(self, *, columns: tuple[str, ...] = trips.FEATURES, candidate: str = "own:tuned") -> ModelPlan:
        place = Place(self.root / "repo" / "tiny_shop", "tiny_shop")
        train = {"candidates": ("base_rate", candidate), "min_labels": 100}
        judged = {"resamples": 100}
        plan = trips.plan(columns={name: name for name in columns}, train=train, evaluate=judged)
        (table,) = plan.tables
        dataset = plan.dataset.model_copy(update={"contract": "contract:Trips"})
        return replace(plan, place=place, tables=(replace(table, datasets={"trips": dataset}),))

    def arrive(self, batch: str, rows: pa.Table) -> int:
        """Fill the lake with the rows that meet the contract as it is now; how many do not."""
        found = allowed(rows, self.plan().place.load("contract:Trips"))
        trips.fill(self.world.lake, found.clean, batch=batch)
        return found.quarantined

    def write(self, factor: str, contract: Mapping[str, str], *, commit: bool) -> None:
        """The project's code and contract, committed or not."""
        for name, text in (("own", OWN.replace("{factor}", factor)), ("contract", CONTRACT.format(**contract))):
            (self.root / "repo" / "tiny_shop" / f"{name}.py").write_text(text)
            sys.modules.pop(f"tiny_shop.{name}", None)
        if commit:
            git(self.root / "repo", "add", ".")
            git(self.root / "repo", "commit", "--quiet", "--message", f"factor {factor}")

    def use(self, version: str) -> None:
        """Change the library, as an upgrade does: the old version is gone."""
        for old in self.root.glob("lib-*"):
            sys.path.remove(str(old))
            shutil.rmtree(old)
        wheel = self.root / "data" / "wheels" / f"tinylib-{version}-py3-none-any.whl"
        sys.path.insert(0, str(wheels.install(wheel, self.root / f"lib-{version}")))
        sys.modules.pop("tinylib", None)

    def reroll(self, asked: str, *, wheels_from: str = "wheels") -> Reroll:
        subject = find(self.world.lineage, self.world.registry, asked)
        places = Environments(self.root / "data" / "environments", self.root / "data" / wheels_from)
        return Reroll(subject, self.world.lake.path, self.world.lineage, self.world.registry, places)


def allowed(rows: pa.Table, contract: object) -> Split:
    """What a contract makes of trips."""
    return split(rows, from_pandera(contract), trips.plan(timed=False).dataset, "batch")


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Version 1 is made with uncommitted code and tinylib 1; all that it was made of changes in the next three."""
    root = tmp_path_factory.mktemp("shop")
    before = list(sys.path)
    made = Shop(root, trips.world(root / "data"))
    for version, c in (("1.0", "0.01"), ("2.0", "5.0")):
        wheels.make(root / "data" / "wheels", "tinylib", version, f"C = {c}\nNAME = 'tinylib {version}'\n")
    (root / "repo" / "tiny_shop").mkdir(parents=True)
    (root / "repo" / "tiny_shop" / "__init__.py").touch()
    for words in (("init", "--quiet"), ("config", "user.email", "a@example.org"), ("config", "user.name", "A")):
        git(root / "repo", *words)
    sys.path.insert(0, str(root / "repo"))
    try:
        history(made)
        yield made
    finally:
        sys.path[:] = before
        for name in [name for name in sys.modules if name.partition(".")[0] in ("tiny_shop", "tinylib")]:
            del sys.modules[name]


def history(shop: Shop) -> None:
    world = shop.world
    shop.use("1.0")
    shop.write("", FIRST, commit=True)
    shop.write(" * 2", LOOSE, commit=False)
    (shop.root / "repo" / "tiny_shop" / "notes.txt").write_text("new, and not committed")
    shop.arrive("spring", SPRING)
    trips.train(world, shop.plan())
    with (
        pytest.raises(ValueError, match="no model today"),
        watched(world.lake, world.lineage, shop.plan(candidate="own:broken"), stage="leaderboard", run="run-0009"),
    ):
        trips.train(world, shop.plan(candidate="own:broken"))
    shop.use("2.0")
    shop.write(" * 3", TIGHT, commit=True)
    shop.arrive("summer", SUMMER)
    shop.arrive("spring", SPRING)
    for columns in (trips.FEATURES, trips.FEATURES[1:], trips.FEATURES[:-1]):
        trips.train(world, shop.plan(columns=columns))


def test_a_dry_run_tells_where_all_comes_from_and_makes_nothing(shop: Shop) -> None:
    found = shop.reroll("late_trips@1")
    parts = found.parts()
    assert {part.kind for part in parts} == {"data", "code", "environment", "model"}
    assert not [part for part in parts if part.lacking]
    (environment,) = (part for part in parts if part.kind == "environment")
    assert "1 wheel" in environment.how
    assert not (shop.root / "data" / "environments").exists()


def test_a_dry_run_says_what_the_page_shows(shop: Shop) -> None:
    said = mlops(shop.root, "reroll", "late_trips@4", width=WIDE)
    assert said.exit_code == 0
    assert {*plain(DRY, shop)} <= {*plain(said.output, shop)}


def plain(text: str, shop: Shop) -> list[str]:
    """Lines in the names of this shop, without what no two runs share: digests, counts, and how wide a column is."""
    for name, own in (("flight_delays", "late_trips"), ("flight_context", "trip_facts"), ("flights", "trips")):
        text = text.replace(name, own)
    text = re.sub(r"\b[0-9a-f]{12}([0-9a-f]{4})?\b", "DIGEST", text.replace(str(shop.root / "repo"), "/home/me/code"))
    text = re.sub(r"\d+", "N", text)
    return [" ".join(line.split()) for line in text.splitlines()]


def test_what_cannot_be_had_without_a_network_is_named(shop: Shop, tmp_path: Path) -> None:
    found = shop.reroll("late_trips@1", wheels_from="nowhere")
    with pytest.raises(StoreError, match=r"environment .*: tinylib==1\.0"):
        found.restore(tmp_path / "back")
    assert not (tmp_path / "back").exists()
    assert found.restore(tmp_path / "back", partly=True) is None
    assert (tmp_path / "back" / "code" / "tiny_shop" / "own.py").is_file()


def test_everything_comes_back_and_training_again_makes_the_same_bytes(shop: Shop, tmp_path: Path) -> None:
    folder, found = tmp_path / "back", shop.reroll("late_trips@1")
    said = mlops(shop.root, "reroll", "late_trips@1", "--verify", "--into", str(folder), width=WIDE)
    assert said.exit_code == 0
    assert {*plain(VERIFIED, shop)} <= {*plain(said.output, shop)}, "as the page shows it"
    own = folder / "code" / "tiny_shop" / "own.py"
    assert "tinylib.C * 2" in own.read_text()
    assert (own.parent / "notes.txt").read_text() == "new, and not committed"
    assert (own.parent / "contract.py").read_text() == CONTRACT.format(**LOOSE)
    again = allowed(SPRING, runpy.run_path(str(own.parent / "contract.py"))["Trips"])
    kept = (
        DeltaLake(folder / "data" / "lake")
        .read("trip_facts/offline")
        .select(again.clean.drop_columns("label").column_names)
    )
    assert kept.equals(again.clean.drop_columns("label")), "what the contract of that time lets through"
    assert again.quarantined < allowed(SPRING, shop.plan().place.load("contract:Trips")).quarantined
    rows = json.loads((folder / REMADE).read_text())
    assert [row for row in rows if not row["same"]] == []
    assert {row["part"] for row in rows} == {"data", "code", "environment", "parameters", "model"}
    assert json.loads((folder / "model" / "manifest.json").read_text())["candidate"] in ("base_rate", "own:tuned")

    environment = found.restore(folder)
    assert environment is not None
    own.write_text(own.read_text().replace("* 2", "* 50"))
    differ = {(row["part"], row["name"]) for row in found.verify(folder, environment) if not row["same"]}
    assert ("code", "uncommitted patch") in differ
    assert ("model", "late_trips") in differ
    assert "data" not in {part for part, _ in differ}


def test_a_failed_run_comes_back_with_its_failure(shop: Shop, tmp_path: Path) -> None:
    found = shop.reroll("run-0009")
    assert found.subject.failure is not None
    assert found.subject.failure.error == "ValueError"
    environment = found.restore(tmp_path / "back")
    assert environment is not None
    (row,) = (row for row in found.verify(tmp_path / "back", environment) if row["part"] == "failure")
    assert row["found"] == row["recorded"] == "ValueError: no model today, tinylib 1.0"


def test_a_name_that_means_nothing_or_two_things_is_refused(shop: Shop) -> None:
    with pytest.raises(NotFound, match="no snapshot goes by 'late_trips@9'"):
        shop.reroll("late_trips@9")
    with pytest.raises(NotFound, match="no snapshot goes by 'late'"):
        shop.reroll("late")
    subject: Subject = shop.reroll("late_trips@4").subject
    assert shop.reroll(f"#{subject.sequence}").subject == subject
    assert shop.reroll(subject.snapshot.identity[:8]).subject == subject


def test_two_versions_differ_in_data_code_and_library_and_a_version_not_from_itself(shop: Shop) -> None:
    lineage, registry = shop.world.lineage, shop.world.registry
    sides = [side(lineage, registry, f"late_trips@{number}") for number in (1, 4)]
    found = compare(lineage, *sides)
    assert found.environment == {"tinylib": ("1.0", "2.0")}
    assert found.data["trips/clean"][0] != found.data["trips/clean"][1]
    assert {"commit", "tree", "diff", "room"} <= found.code.keys()
    assert {"M tiny_shop/own.py", "M tiny_shop/contract.py"} <= {*found.files}
    assert "+    found.set_params(model__C=tinylib.C * 3)" in found.patch
    assert set(found.metrics) >= {"roc_auc", "train_rows"}
    assert not found.same_model
    json.dumps(found.to_dict())

    same = compare(lineage, sides[0], side(lineage, registry, sides[0].run.run_id))
    assert same.same_model
    assert [*same.environment, *same.code, *same.files, *same.parameters] == []


def test_a_side_that_is_not_there_is_told(shop: Shop) -> None:
    for asked in ("late_trips@9", "late_trips@champion", "no-run", ""):
        with pytest.raises(NotFound):
            side(shop.world.lineage, shop.world.registry, asked)


def test_what_a_search_had_found_is_kept_with_the_snapshot_and_trained_again_as_it_was(shop: Shop) -> None:
    lake, plan = shop.world.lake, shop.plan(columns=trips.FEATURES[:-1])
    train = examples(lake.read("late_trips/training_set"), plan, "train")
    variant = Variant("tuned_logistic", "logistic", {"C": 2.0})
    assert leaderboard(train, plan).searched == ""
    searched = leaderboard(train, plan, variant).searched
    assert Variant(**json.loads(searched)) == variant
    snapshot = shop.reroll("late_trips@4").subject.snapshot
    assert remake.retrained(lake, plan, snapshot) == snapshot.digest
    assert (
        remake.compared_board(train, plan, replace(snapshot, searched=searched)).entries[-1].parameters == '{"C":2.0}'
    )
