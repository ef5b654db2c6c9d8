"""A window of the product is joined, put in order and read back some rows at a time, and shows the same."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from mlops_assets.errors import NotFound, StoreError
from mlops_assets.rooms.monitor import asked as module
from mlops_assets.rooms.monitor import judged
from mlops_assets.rooms.monitor import rows as reading
from mlops_assets.rooms.monitor.asked import Asked, asked
from mlops_assets.rooms.monitor.evidently_report import Drawn
from mlops_assets.rooms.monitor.rows import pieces
from mlops_assets.rooms.monitor.stored import Stored
from mlops_assets.rooms.monitor.window import answers, with_features
from mlops_assets.rooms.serve.score import score
from mlops_assets_tests.rooms import trips
from mlops_assets_tests.rooms.serve.served import ServedStores, champion, split

PLAN, NAME, PIECE = trips.plan(), "april", 53


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> ServedStores:
    """April's trips, answered by the champion."""
    found = ServedStores(home=str(tmp_path_factory.mktemp("asked")))
    early, late = split(trips.rows())
    version = champion(found.registry(), early, PLAN)
    trips.fill(found.lake(), late, batch=NAME)
    given = score(found.registry().bundles[version], late, PLAN)
    found.predictions().record(PLAN.name, given, batch=NAME)
    return found


@pytest.fixture
def few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PIECE", PIECE)
    monkeypatch.setattr(reading, "PIECE", PIECE)


@pytest.mark.usefixtures("few_at_a_time")
def test_pieces_together_are_the_answers_with_their_features_in_order(stores: ServedStores) -> None:
    expected = with_features(stores.lake(), PLAN, answers(stores.predictions(), PLAN, NAME))
    with asked(stores.lake(), PLAN, NAME) as found:
        assert found.count == found.rows.num_rows == expected.num_rows
        read = pa.concat_tables([piece for piece in pieces(found.rows) if isinstance(piece, pa.Table)])
        assert max(piece.num_rows for piece in pieces(found.rows)) == PIECE
        assert found.rows.column("score").equals(read["score"])
        assert found.rows.slice(50, 7).equals(read.slice(50, 7))
    wanted = [name for name in read.column_names if name in expected.column_names]
    assert {"event_time", "score", *PLAN.features} <= set(wanted)
    assert repr(read.select(wanted).to_pylist()) == repr(expected.select(wanted).to_pylist())  # NaN differs from itself
    assert not found.rows.path.parent.exists()


def test_no_more_than_a_piece_is_read_at_a_time_and_the_verdict_is_the_same(
    stores: ServedStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judged, "drawn", lambda page, *_: Drawn(page.html(), ""))
    whole = judged.judge_drift(stores.lake(), stores.registry(), plan=PLAN, name=NAME)
    for place in (module, reading):
        monkeypatch.setattr(place, "PIECE", PIECE)
    monkeypatch.setattr(judged, "asked", grudging)
    pieced = judged.judge_drift(stores.lake(), stores.registry(), plan=PLAN, name=NAME)
    assert pieced.words == whole.words
    for name, value in whole.row.items():
        assert pieced.row[name] == (pytest.approx(value, rel=1e-4, nan_ok=True) if isinstance(value, float) else value)


@contextmanager
def grudging(*given: object) -> Iterator[Asked]:
    """Refuses to hand over a whole column, or more than some rows."""
    with pytest.MonkeyPatch.context() as patch, asked(*given) as found:  # type: ignore[arg-type]  # as it was asked
        slice_of = Stored.slice

        def few(rows: Stored, offset: int, length: int) -> pa.Table:
            assert length <= PIECE
            return slice_of(rows, offset, length)

        patch.setattr(Stored, "slice", few)
        yield found


def test_a_window_that_nobody_answered_and_one_of_two_versions_are_refused(
    stores: ServedStores, tmp_path: Path
) -> None:
    with pytest.raises(NotFound, match="in window 'june' there is none"), asked(stores.lake(), PLAN, "june"):
        pass
    other = ServedStores(home=str(tmp_path))
    given = stores.predictions().read(PLAN.name)
    version = pc.if_else(pc.less(given["trip"], 3_500), 1, 2).cast(pa.int64())
    two = given.set_column(given.column_names.index("model_version"), "model_version", version)
    other.predictions().record(PLAN.name, two, batch=NAME)
    with pytest.raises(StoreError, match="not of one version"), asked(other.lake(), PLAN, NAME):
        pass
