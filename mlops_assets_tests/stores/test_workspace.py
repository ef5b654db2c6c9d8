import json
from pathlib import Path

import pytest

from mlops_assets.stores.workspace import FolderWorkspace

PLOTS = {"Over time": ["mean score"]}


def test_a_window_that_is_judged_again_is_replaced_and_others_stay(tmp_path: Path) -> None:
    kept = FolderWorkspace(tmp_path)
    first = kept.add("late", "april", "{}", PLOTS)
    assert kept.add("late", "april", '{"again": 1}', PLOTS) == first
    others = {kept.add("late", "may", "{}", PLOTS), kept.add("other", "april", "{}", PLOTS)}
    assert json.loads(first.read_text()) == {"again": 1}
    assert len({first, *others}) == 3
    assert len(list(tmp_path.iterdir())) == 2


def test_a_write_that_is_cut_short_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = FolderWorkspace(tmp_path)
    first = kept.add("late", "april", "{}", PLOTS)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", killed)
    with pytest.raises(KeyboardInterrupt):
        kept.add("late", "april", '{"again": 1}', PLOTS)
    assert first.read_text() == "{}"
    assert not list(tmp_path.rglob(".*.tmp"))
