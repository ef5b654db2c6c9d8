"""The workspace that Evidently's own UI browses: a project a model, a snapshot a window, in the files it reads itself.

Snapshots are written whole or not at all, and a window's is replaced when it is judged again: Evidently's own client
does neither, and takes seconds to import.
"""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol
from uuid import UUID, uuid4, uuid5

_OURS: Final = UUID("6f0d4c8e-3f0a-4d3e-9a51-5a1c0f6a9e27")
LAYOUT: Final = "2"
"""The version that Evidently 0.7 writes into a project."""


class Workspace(Protocol):
    """Where snapshots are kept."""

    def add(self, model: str, window: str, snapshot: str, plots: Mapping[str, Sequence[str]]) -> Path:
        """Keep a window's snapshot; the same model and window are replaced."""


class FolderWorkspace:
    """A folder that `evidently ui --workspace` opens."""

    def __init__(self, root: Path) -> None:
        """Remember the folder; nothing is made before a snapshot is kept."""
        self.root = root

    def add(self, model: str, window: str, snapshot: str, plots: Mapping[str, Sequence[str]]) -> Path:
        """Keep a window's snapshot; the same model and window are replaced.

        Args:
            model: its project's name.
            window: that was judged.
            snapshot: as Evidently dumps it.
            plots: title of a panel to the figures that it shows over time, by the names they have in the snapshots.
        """
        project = uuid5(_OURS, model)
        folder = self.root / str(project)
        known = {"id": str(project), "name": model, "description": None, "org_id": None, "version": LAYOUT}
        _keep(folder / "dashboard.json", json.dumps(_dashboard(project, plots)))
        kept = _keep(folder / "snapshots" / f"{uuid5(project, window)}.json", snapshot)
        _keep(folder / "metadata.json", json.dumps(known))  # last: what has it is listed
        return kept


def _dashboard(project: UUID, plots: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    panels = [
        {
            "id": str(uuid5(project, title)),
            "title": title,
            "subtitle": None,
            "size": "full",
            "values": [_line(figure) for figure in figures],
            "plot_params": {"plot_type": "line"},
        }
        for title, figures in plots.items()
    ]
    tab = {"id": str(uuid5(project, "tab")), "title": "Windows", "panels": [panel["id"] for panel in panels]}
    return {"tabs": [tab], "panels": panels}


def _line(figure: str) -> dict[str, Any]:
    return {
        "legend": figure,
        "tags": [],
        "metadata": {},
        "metric": "evidently:metric_v2:Figure",
        "metric_labels": {"figure": figure},
        "view_params": {},
    }


def _keep(path: Path, text: str) -> Path:
    if path.is_file() and path.read_text() == text:
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{uuid4().hex}.tmp")
    try:
        draft.write_text(text)
        os.replace(draft, path)  # noqa: PTH105 - the atomic rename, by its own name
    finally:
        draft.unlink(missing_ok=True)
    return path
