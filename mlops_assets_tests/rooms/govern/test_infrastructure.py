"""The infrastructure gate: what answers in a fresh environment passes; what is missing, slow or large does not."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from mlops_assets.errors import Damaged, StoreError
from mlops_assets.rooms.evaluate.gate import judge
from mlops_assets.rooms.govern.infrastructure import NAME, infrastructure, judged, probe
from mlops_assets.rooms.release import bundle as serving
from mlops_assets.spec.model import Limits
from mlops_assets.stores import linking
from mlops_assets.stores.distributions import Distribution, Lock, here, installed_in
from mlops_assets.stores.environments import Environments, missing
from mlops_assets.stores.registry import Bundle, ModelVersion
from mlops_assets.stores.serving import ServingStore
from mlops_assets_tests import wheels
from mlops_assets_tests.rooms import judging, trips
from mlops_assets_tests.rooms.release import bundles

pytestmark = pytest.mark.slow
PAGE = Path(__file__).parents[3] / "docs" / "release.md"


class Shelf:
    """A registry of one version."""

    def get(self, model: str, number: int) -> ModelVersion:
        return ModelVersion(model, number, "run", "digest")

    def load(self, version: ModelVersion) -> Bundle:
        return bundles.trained()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("infrastructure")


@pytest.fixture(scope="module")
def environments(root: Path) -> Environments:
    return Environments(root / "environments", root / "wheels")


@pytest.fixture(scope="module")
def store(root: Path) -> ServingStore:
    return ServingStore(root / "bundles")


@pytest.fixture(scope="module")
def digest(store: ServingStore) -> str:
    return serving.put(store, bundles.trained(), trips.plan(), card="")


def lock_of(store: ServingStore, digest: str) -> Lock:
    return Lock.of(store.load("late_trips", digest).files[serving.LOCK])


def test_a_bundle_that_works_in_a_fresh_environment_passes(environments: Environments) -> None:
    data = judging.holdout()
    evidence = judging.evidence(judging.scored(1, judging.truth(data)), None, data)
    gate = infrastructure(Shelf(), environments)  # type: ignore[arg-type]  # all that the gate needs of a registry
    (first,), (again,) = judge(evidence, {NAME: gate}), judge(evidence, {NAME: gate})
    assert first.passed, first.reason
    assert "24 golden rows equally" in first.reason
    [shown] = re.findall(r"^\d+ locked distributions.*$", PAGE.read_text(), flags=re.MULTILINE)
    assert re.sub(r"[\d.]+", "N", first.reason) == re.sub(r"[\d.]+", "N", shown), "as the page shows it"
    assert first.content() == again.content()


def test_a_library_that_the_lock_does_not_name_is_not_there(
    environments: Environments, store: ServingStore, digest: str
) -> None:
    whole = lock_of(store, digest)
    names = {each.name for each in whole.distributions}
    assert {"numpy", "onnxruntime", "scikit-learn"} <= names
    assert "pytest" not in names
    lacking = replace(whole, distributions=tuple(e for e in whole.distributions if e.name != "onnxruntime"))
    with pytest.raises(StoreError, match="No module named 'onnxruntime'"):
        probe(environments.build(lacking), store, "late_trips", digest)


def test_another_answer_than_where_it_was_trained_refuses(
    environments: Environments, store: ServingStore, digest: str
) -> None:
    found = store.load("late_trips", digest)
    golden = [{**row, "scores": [1 - each for each in row["scores"]]} for row in found.manifest["golden"]]
    manifest = {name: value for name, value in {**found.manifest, "golden": golden}.items() if name != "files"}
    other = store.put("late_trips", manifest, found.files)
    with pytest.raises(StoreError, match="answers its golden rows otherwise"):
        probe(environments.build(lock_of(store, digest)), store, "late_trips", other)


@pytest.mark.parametrize(("figure", "word"), [("latency_ms", "a row takes"), ("memory_mb", "it takes")])
def test_a_slow_or_large_one_is_refused_for_that_reason(figure: str, word: str) -> None:
    fine = {"engine": "onnx", "golden": 24, "load_ms": 9.0, "latency_ms": 1.0, "memory_mb": 200.0}
    lock = Lock(here(), ())
    assert judged(fine, lock, Limits()).passed
    gate = judged({**fine, figure: 9_999.0}, lock, Limits())
    assert not gate.passed
    assert gate.reason.startswith(word)


def test_an_environment_is_built_from_wheels_and_kept_when_the_library_is_gone(tmp_path: Path) -> None:
    made = wheels.make(tmp_path / "wheels", "tinylib", "1.0", "C = 1\n")
    (wanted,) = installed_in(wheels.install(made, tmp_path / "once"))
    lock, places = Lock(here(), (wanted,)), Environments(tmp_path / "environments", tmp_path / "wheels")
    assert [source.where for source in places.sources(lock)] == ["wheel"]
    built = places.build(lock)
    done = built.run([], "import tinylib; print(tinylib.C)", timeout=60)
    assert done.stdout.strip() == "1", done.stderr

    made.unlink()
    more = replace(lock, distributions=(wanted, *installed_in(wheels.install(_other(tmp_path), tmp_path / "two"))))
    assert [source.where for source in places.sources(more)] == ["kept", "wheel"]
    assert not places.build(lock).built


def test_what_is_nowhere_or_was_changed_is_refused(tmp_path: Path) -> None:
    places = Environments(tmp_path / "environments", tmp_path / "wheels")
    nowhere = Lock(here(), (Distribution("no-such-thing", "1.0", "c0ffee"),))
    with pytest.raises(StoreError, match=r"not to be had: no-such-thing==1\.0"):
        places.build(nowhere)
    other = Lock(here().replace("python 3.", "python 2."), ())
    assert "python 2." in missing(other, [])[0]
    folder = wheels.install(wheels.make(tmp_path / "made", "tinylib", "1.0", "C = 1\n"), tmp_path / "lib")
    (wanted,) = installed_in(folder)
    (folder / "tinylib.py").write_text("C = 2\n")
    with pytest.raises(Damaged, match="was changed after it was installed"):
        linking.link(wanted, folder, tmp_path / "target")


def test_a_wheel_of_other_content_under_the_same_name_is_refused(tmp_path: Path) -> None:
    wheels.make(tmp_path / "wheels", "tinylib", "1.0", "C = 'another'\n")
    (wanted,) = installed_in(
        wheels.install(wheels.make(tmp_path / "made", "tinylib", "1.0", "C = 1\n"), tmp_path / "x")
    )
    places = Environments(tmp_path / "environments", tmp_path / "wheels")
    with pytest.raises(StoreError, match="is not what was recorded"):
        places.build(Lock(here(), (wanted,)))
    assert not list((tmp_path / "environments").glob("*/.whole"))


def _other(folder: Path) -> Path:
    return wheels.make(folder / "wheels", "otherlib", "1.0", "C = 1\n")
