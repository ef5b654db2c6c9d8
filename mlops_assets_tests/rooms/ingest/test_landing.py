"""What has landed is found by its glob and named by its stem."""

import re
from pathlib import Path

import pytest

from mlops_assets.errors import LandingError
from mlops_assets.rooms.ingest.landing import arrivals, batch_name, fingerprint, locate, refusals, signature
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.source import Source

FLIGHTS = Dataset(name="flights", source=Source(files="data/landing/flights/*"))


def land(home: Path, name: str, content: str = "a\n1\n") -> Path:
    path = home / "data/landing/flights" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def test_arrivals_are_sorted_by_batch_and_named_without_suffixes(tmp_path: Path) -> None:
    for name in ("2013-02.csv.gz", "2013-01.parquet", "2013-10.csv", "v1.2.jsonl"):
        land(tmp_path, name)
    found = arrivals(FLIGHTS, tmp_path)
    assert [arrival.batch for arrival in found] == ["2013-01", "2013-02", "2013-10", "v1.2"]
    assert found[0].bytes == 4
    assert len(found[0].fingerprint) == 64


def test_what_is_hidden_or_still_being_written_has_not_arrived(tmp_path: Path) -> None:
    for name in (".2013-01.csv", "2013-02.csv.tmp", ".ipynb_checkpoints/2013-03.csv"):
        land(tmp_path, name)
    (tmp_path / "data/landing/flights/folder.csv").mkdir()
    assert arrivals(FLIGHTS, tmp_path) == []
    assert arrivals(FLIGHTS, tmp_path / "nowhere") == []


def test_two_files_of_one_batch_are_both_named(tmp_path: Path) -> None:
    land(tmp_path, "2013-01.csv")
    land(tmp_path, "2013-01.parquet")
    (refused,) = refusals(FLIGHTS, tmp_path)
    assert re.search(r"2013-01\.csv, .*2013-01\.parquet", str(refused))
    with pytest.raises(LandingError, match="2 files are batch '2013-01'"):
        locate(FLIGHTS, tmp_path, "2013-01")


def test_a_file_that_is_refused_holds_no_other_back(tmp_path: Path) -> None:
    for name in ("2013-01.csv", "2013-01.parquet", "a b.csv", "2013-02.csv"):
        land(tmp_path, name)
    assert [arrival.batch for arrival in arrivals(FLIGHTS, tmp_path)] == ["2013-02"]
    assert len(refusals(FLIGHTS, tmp_path)) == 2


@pytest.mark.parametrize(
    "name", ["a..b.csv", "-rf.csv", "a b.csv", "a'b.csv", "é.csv", "_delta_log.csv", "x" * 130 + ".csv"]
)
def test_a_name_that_is_unsafe_for_a_partition_is_refused(name: str) -> None:
    with pytest.raises(LandingError, match="can't name a batch"):
        batch_name(Path(name))


def test_the_file_of_a_batch_is_located_among_others(tmp_path: Path) -> None:
    land(tmp_path, "a..b.csv")
    path = land(tmp_path, "2013-01.csv")
    assert locate(FLIGHTS, tmp_path, "2013-01").path == path


def test_a_file_that_has_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(LandingError, match="batch '2013-01' of dataset 'flights' is not there"):
        locate(FLIGHTS, tmp_path, "2013-01")


def test_an_absolute_glob_needs_no_home(tmp_path: Path) -> None:
    path = land(tmp_path, "2013-01.csv")
    dataset = Dataset(name="flights", source=Source(files=str(path.parent / "*.csv")))
    assert [arrival.path for arrival in arrivals(dataset, tmp_path / "elsewhere")] == [path]


def test_a_file_that_is_written_again_has_another_signature_and_fingerprint(tmp_path: Path) -> None:
    path = land(tmp_path, "2013-01.csv")
    before = signature(path), fingerprint(path)
    land(tmp_path, "2013-01.csv", "a\n2222\n")
    assert signature(path) != before[0]
    assert fingerprint(path) != before[1]
