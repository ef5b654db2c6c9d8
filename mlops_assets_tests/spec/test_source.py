"""A source is of one kind, takes what goes with it, and never shows a secret."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.source import Source

URL = "postgresql://me:s3cr3t-w0rd@host/db"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "a source is one of files, table, .*; given: none of them"),
        ({"files": "x", "table": "t"}, "given: files, table"),
        ({"table": "t"}, "table needs database"),
        ({"files": "x", "database": URL}, "database does not go with files"),
        ({"delta": "x", "token": "s3cr3t-w0rd"}, "token goes with rest, not with delta"),
        ({"files": "x", "cursor": "at"}, "cursor goes with what is pulled, not with files"),
        ({"stream": True, "cursor": "at"}, "cursor goes with what is pulled, not with stream"),
        ({"delta": "x", "overlap": "1d"}, "overlap needs cursor"),
        ({"delta": "x", "cursor": "at", "overlap": -1}, "overlap"),
        ({"stream": False}, "stream"),
        ({"dlt": "no reference"}, "not a reference"),
    ],
)
def test_what_does_not_go_together_is_told(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Source.model_validate(given)


def test_an_overlap_is_a_number_or_a_duration() -> None:
    for overlap, meant in ((10, 10), ("1d", timedelta(days=1))):
        assert Source.model_validate({"delta": "x", "cursor": "c", "overlap": overlap}).overlap == meant


def test_no_secret_is_shown() -> None:
    source = Source.model_validate({"table": "t", "database": URL})
    dataset = Dataset(name="trips", source=source)
    assert "s3cr3t" not in f"{source!r} {source} {dataset.model_dump_json()} {dataset!r}"


def test_what_is_pulled_or_posted_lands_as_files_of_its_dataset() -> None:
    assert Source(files="a/*.csv").landing("trips") == "a/*.csv"
    assert Source(stream=True).landing("trips") == "data/landing/trips/*"
    assert (Source(stream=True).pulled, Source(delta="x").pulled, Source(files="x").kind) == (False, True, "files")
