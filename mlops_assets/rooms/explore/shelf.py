"""Whole reports on their shelf: drawn once a version and content, three pages that link to each other."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_assets import keys
from mlops_assets.rooms.explore import libraries, whole
from mlops_assets.spec.plan import DatasetPlan
from mlops_assets.stores.lake import Lake

if TYPE_CHECKING:
    from mlops_assets.stores.cache import Cache
    from mlops_assets.stores.reports import Report, Reports


def place(
    reports: "Reports",
    lake: Lake,
    plan: DatasetPlan,
    version: int | None = None,
    *,
    again: bool = False,
    kept: "Cache | None" = None,
) -> "Report":
    """The whole report of a version (default: the newest); what lies on the shelf already is not drawn again.

    Args:
        reports: the shelf.
        lake: the tables.
        plan: the dataset.
        version: of its clean table.
        again: draw it although it lies there.
        kept: where the sketches of batches are.

    Raises:
        NotFound: there is no such version.
    """
    table = keys.table(plan.dataset.name, "clean")
    key = keys.key(plan.dataset.name, "eda_report")
    if not lake.exists(table):
        whole.look(lake, plan, version)
    number = lake.version(table) if version is None else version
    name = f"v{number}-{lake.fingerprint(table, version=number)[:12]}-{_mark(plan)}"
    if reports.exists(key, name) and not again:
        return reports.save(key, name, reports.path(key, name).read_bytes())
    found = whole.look(lake, plan, number, kept=kept)
    title = f"{plan.dataset.name} v{number}"
    pages: dict[str, tuple[str, Callable[[], str]]] = {
        f"{name}-skrub": ("every column, by skrub", lambda: libraries.skrub_page(found.rows, title)),
        f"{name}-evidently": ("summary, by Evidently", lambda: libraries.evidently_page(found.rows)),
    }
    drawn = pages if found.rows.num_rows else {}
    for file, (_, draw) in drawn.items():
        reports.save(key, file, draw())
    links = [(said, reports.path(key, file).name) for file, (said, _) in drawn.items()]
    return reports.save(key, name, whole.report(found, links))


def _mark(plan: DatasetPlan) -> str:
    """Of what decides how a version is drawn: this room's code, and what is declared of the dataset."""
    digest = hashlib.sha256(f"{plan.dataset.model_dump_json()} {plan.target}".encode())
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:8]
