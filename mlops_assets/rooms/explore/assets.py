"""`<dataset>/eda_report` and `<dataset>/profile`: what a batch holds and what changed, as a page and as figures."""

from typing import TYPE_CHECKING

import dagster as dg

from mlops_assets import keys
from mlops_assets.resources import declaration, presentation
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.explore import eda, groups, profile, shelf, whole
from mlops_assets.rooms.explore.changes import columns
from mlops_assets.rooms.explore.exploration import Exploration, explore
from mlops_assets.rooms.explore.whole import HEAD, row
from mlops_assets.spec.plan import DatasetPlan
from mlops_assets.stores.reports import Report

if TYPE_CHECKING:
    from mlops_assets.stores.reports import Reports

SHOWN = 40
"""Values of groups in the table that the UI shows."""
DESCRIPTIONS = {
    "eda_report": "The exploration of each batch of {}: every column, and what changed since the batch before.",
    "groups": "Who is in each batch of {}, and how the target falls among them: counts by declared groups.",
    "profile": "Statistics of each batch and column of {}, which merge over batches without reading the rows again.",
}


def build(plan: DatasetPlan) -> list[dg.AssetsDefinition]:
    """The report and profile of one dataset; one step explores a batch for both."""
    dataset = plan.dataset
    report, figures = (_spec(plan, stage, kind) for stage, kind in (("eda_report", "html"), ("profile", "deltalake")))

    told = [_spec(plan, "groups", "deltalake")] if dataset.groups else []

    @dg.multi_asset(name=f"{dataset.name}_explore", specs=[report, figures, *told], can_subset=True)
    def explored(context: dg.AssetExecutionContext, stores: Stores) -> declaration.Events:
        found = explore(stores.lake(), dataset, context.partition_key, stores.profiles())
        if report.key in context.selected_asset_keys:
            yield _reported(report, stores, plan, found)
        if figures.key in context.selected_asset_keys:
            yield _profiled(figures.key, stores, found)
        for spec in told:
            if spec.key in context.selected_asset_keys:
                yield _grouped(spec.key, stores, plan, found)

    return [explored]


def _spec(plan: DatasetPlan, stage: str, kind: str) -> dg.AssetSpec:
    dataset = plan.dataset
    return declaration.asset_spec(
        dataset.name,
        stage,
        room="explore",
        description=DESCRIPTIONS[stage].format(dataset.name),
        deps=[keys.key(dataset.name, "clean")],
        kinds=("duckdb", kind),
        owners=dataset.owners,
        way=dataset.name,
        partitions_def=declaration.batches(dataset.name),
        configuration=f"{dataset.event_time} {dataset.period} {dataset.groups} {dataset.explore} {plan.target}",
    )


def _reported(spec: dg.AssetSpec, stores: Stores, plan: DatasetPlan, found: Exploration) -> declaration.Materialized:
    subject, reports = found.subject, stores.reports()
    full = ""
    if plan.dataset.explore.full:
        full = shelf.place(reports, stores.lake(), plan, subject.version, kept=stores.profiles()).url
    glance = eda.picture(found.rows, subject, found.profiles)
    drawn = _drawn(spec, reports, plan, found, glance)
    return dg.MaterializeResult(
        asset_key=spec.key,
        metadata={
            **presentation.numbers(found.figures()),
            **presentation.report(drawn),
            **({"whole_report": dg.MetadataValue.url(full)} if full else {}),
            "picture": presentation.picture(glance, "rows over time and missing values"),
            "compared_with": dg.MetadataValue.text(found.compared_with or "nothing: the first batch"),
            "changed": dg.MetadataValue.text(", ".join(columns(found.changes)) or "nothing of note"),
        },
        data_version=dg.DataVersion(subject.fingerprint),
    )


def _drawn(spec: dg.AssetSpec, reports: "Reports", plan: DatasetPlan, found: Exploration, glance: bytes) -> Report:
    """The page of this content as this code draws it; it is drawn once."""
    subject = found.subject
    key = keys.key(subject.dataset, "eda_report")
    version = f"{subject.batch}-{subject.fingerprint[:12]}-{spec.code_version}"
    if reports.exists(key, version):
        return reports.save(key, version, reports.path(key, version).read_bytes())
    page = eda.report(
        found.rows,
        subject,
        found.profiles,
        compared_with=found.compared_with,
        changes=found.changes,
        glance=glance,
        standard=whole.standard(plan, found.rows, found.profiles),
        distinct={sketch.column: sketch.distinct for sketch in found.spread},
    )
    return reports.save(key, version, page)


def _profiled(key: dg.AssetKey, stores: Stores, found: Exploration) -> declaration.Materialized:
    subject = found.subject
    rows = profile.to_table(found.profiles, subject.fingerprint)
    version = stores.lake().write(keys.table(subject.dataset, "profile"), rows, batch=subject.batch)
    return dg.MaterializeResult(
        asset_key=key,
        metadata={**presentation.table(version, rows.schema), **presentation.numbers(found.figures())},
        data_version=dg.DataVersion(subject.fingerprint),
    )


def _grouped(key: dg.AssetKey, stores: Stores, plan: DatasetPlan, found: Exploration) -> declaration.Materialized:
    """Record the counts of a batch, and show what they say of it."""
    subject = found.subject
    counts = groups.of_table(found.rows, plan.dataset, plan.target)
    version = stores.lake().write(keys.table(subject.dataset, "groups"), counts, batch=subject.batch)
    told = groups.merged(plan.dataset, [counts])
    apart = {f"apart_{group}": difference for group, difference in groups.disparities(told).items()}
    lines = ["| " + " | ".join(HEAD) + " |", "|" + " --- |" * len(HEAD)]
    lines += ["| " + " | ".join(cell.replace("|", "/") for cell in row(each)) + " |" for each in told[:SHOWN]]
    return dg.MaterializeResult(
        asset_key=key,
        metadata={
            **presentation.table(version, counts.schema),
            **presentation.numbers(apart),
            "groups": dg.MetadataValue.md("\n".join(lines)),
        },
        data_version=dg.DataVersion(version.fingerprint),
    )
