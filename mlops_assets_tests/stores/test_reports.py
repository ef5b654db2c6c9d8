"""Reports: a page is whole or not there, and no two versions share a file."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_assets.stores.reports import FolderReports, safe

KEY = ("flights", "eda_report")


@pytest.fixture
def reports(tmp_path: Path) -> FolderReports:
    return FolderReports(tmp_path / "reports", "http://127.0.0.1:3001/")


def test_a_url_has_the_path_of_its_file(reports: FolderReports) -> None:
    saved = reports.save(KEY, "2013-01", "<html>ü</html>")
    assert saved.url == "http://127.0.0.1:3001/flights/eda_report/2013-01.html"
    assert saved.path == reports.root / "flights" / "eda_report" / "2013-01.html"
    assert saved.path.read_text(encoding="utf-8") == "<html>ü</html>"


def test_a_write_that_fails_leaves_the_page_before_it(reports: FolderReports, monkeypatch: pytest.MonkeyPatch) -> None:
    saved = reports.save(KEY, "v", "before")

    def fail(*_: object) -> None:
        raise OSError

    with monkeypatch.context() as patch:
        patch.setattr("os.replace", fail)
        with pytest.raises(OSError):  # noqa: PT011 - the disk's own error, whatever it says
            reports.save(KEY, "v", "after")
    assert saved.path.read_text(encoding="utf-8") == "before"
    assert [file.name for file in saved.path.parent.iterdir()] == ["v.html"]


@given(one=st.text(min_size=1), other=st.text(min_size=1))
def test_any_two_versions_have_names_of_their_own(one: str, other: str) -> None:
    assert "/" not in safe(one)
    assert safe(one).strip(".")
    assert (safe(one) == safe(other)) == (one == other)
