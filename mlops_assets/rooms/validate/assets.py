"""`<dataset>/clean` and `<dataset>/quarantine`: rows that meet the contract, and rows that don't, with every reason."""

from collections.abc import Iterator

import dagster as dg
from dagster._core.definitions.data_version import DATA_VERSION_TAG  # the one way to give a logged event its version

from mlops_assets import keys
from mlops_assets.resources import declaration, presentation
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.validate.batch import validate_batch
from mlops_assets.rooms.validate.evolution import ContractChanged
from mlops_assets.rooms.validate.outcome import Outcome
from mlops_assets.spec.plan import DatasetPlan

SHOWN = 20
"""Reasons in the table that the UI shows."""


def build(plan: DatasetPlan) -> list[dg.AssetsDefinition]:
    """The clean and quarantine assets of one dataset, with their checks."""
    name, limit = plan.dataset.name, plan.dataset.quarantine.max_share
    clean = _spec(plan, "clean", f"Rows of {name} that meet the contract.")
    quarantine = _spec(plan, "quarantine", f"Rows of {name} that don't meet the contract, each with every reason.")

    specs = [clean, quarantine]
    if plan.dataset.repairs:
        specs.append(_spec(plan, "repairs", f"Every cell of {name} that a declared repair changed, before and after."))

    def check(title: str, description: str) -> dg.AssetCheckSpec:
        return dg.AssetCheckSpec(title, asset=clean.key, blocking=True, description=description)

    @dg.multi_asset(
        name=f"{name}_clean",
        specs=specs,
        check_specs=[
            check("contract_evolution", "The contract is the one in force, or a change that breaks no living model."),
            check("contract", "The batch has the contract's columns, and every rule could be judged."),
            check("conservation", "Rows in = clean + quarantined + merged."),
            check("quarantine_share", f"At most {limit:.2%} of the rows break the contract."),
        ],
    )
    def validated(context: dg.AssetExecutionContext, stores: Stores) -> declaration.Events:
        lake, batch, home = stores.lake(), context.partition_key, stores.settings().home
        commit = {"run_id": context.run.run_id, "code": str(clean.code_version)}
        try:
            found = validate_batch(lake, plan, batch, home, commit=commit, lineage=stores.lineage())
        except ContractChanged as change:
            yield from _refused(clean.key, str(change))
            return
        for held, fingerprint in found.restated.items():
            context.log_event(_restated(clean.key, held, fingerprint))
        for spec in reversed(specs):
            if spec.key.path[-1] in found.versions:
                yield _materialized(spec.key, found)
        yield from _checks(clean.key, found)

    return [validated]


def _spec(plan: DatasetPlan, stage: str, description: str) -> dg.AssetSpec:
    dataset = plan.dataset
    spec = declaration.asset_spec(
        dataset.name,
        stage,
        room="validate",
        description=description,
        kinds=("pandera" if dataset.contract else "duckdb", "deltalake"),
        owners=dataset.owners,
        way=dataset.name,
        partitions_def=declaration.batches(dataset.name),
        configuration=dataset.model_dump_json() + (plan.place.digest(dataset.contract) if dataset.contract else ""),
        skippable=True,
    )
    others = [
        dg.AssetDep(_key(name, "clean"), partition_mapping=dg.AllPartitionMapping()) for name in dataset.looked_up
    ]
    return spec.replace_attributes(deps=[dg.AssetDep(_key(dataset.name, "raw")), *others])


def _key(noun: str, stage: str) -> dg.AssetKey:
    return dg.AssetKey(list(keys.key(noun, stage)))


def _materialized(key: dg.AssetKey, found: Outcome) -> declaration.Materialized:
    version = found.versions[key.path[-1]]
    return dg.MaterializeResult(
        asset_key=key,
        metadata={
            **presentation.table(version, found.schemas[key.path[-1]]),
            **presentation.numbers(figures(found)),
            "file": dg.MetadataValue.text(found.file),
            "reasons": dg.MetadataValue.md(reasons_table(found)),
            "contract_changes": dg.MetadataValue.md(changes_table(found)),
            "repairs": dg.MetadataValue.md(repairs_table(found)),
        },
        data_version=dg.DataVersion(version.fingerprint),
    )


def _checks(key: dg.AssetKey, found: Outcome) -> Iterator[dg.AssetCheckResult]:
    numbers = presentation.numbers(figures(found))
    said = {
        "contract_evolution": (True, changes_table(found)),
        "contract": (not found.breach, found.breach or f"{found.file}: every row was judged"),
        "conservation": (found.conserved, f"{found.file}: {found.account}"),
        "quarantine_share": (not found.stopped, found.stopped or f"{found.file}: {found.share:.2%} break the contract"),
    }
    for name, (passed, description) in said.items():
        yield dg.AssetCheckResult(
            asset_key=key, check_name=name, passed=passed, description=description, metadata=dict(numbers)
        )


def _refused(key: dg.AssetKey, why: str) -> Iterator[dg.AssetCheckResult]:
    """Checks of a batch that was not judged, as the contract may not be changed so."""
    error, warn = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN
    yield dg.AssetCheckResult(
        asset_key=key, check_name="contract_evolution", passed=False, severity=error, description=why
    )
    for name in ("contract", "conservation", "quarantine_share"):
        said = "not judged: the contract may not be changed so"
        yield dg.AssetCheckResult(asset_key=key, check_name=name, passed=False, severity=warn, description=said)


def _restated(key: dg.AssetKey, batch: str, fingerprint: str) -> dg.AssetMaterialization:
    """Another batch, which was validated again, as the contract's columns changed."""
    return dg.AssetMaterialization(
        key,
        partition=batch,
        description="validated again: the contract's columns changed",
        tags={DATA_VERSION_TAG: fingerprint},
    )


def changes_table(found: Outcome) -> str:
    """What the batch's contract changes of the one before, as a Markdown table."""
    if not found.changes:
        return "The contract is the one in force."
    lines = [f"| {c.column or 'the table'} | {c.what} | {c.before or '-'} | {c.now or '-'} |" for c in found.changes]
    return "\n".join(["| column | what | before | now |", "| --- | --- | --- | --- |", *lines])


def figures(found: Outcome) -> dict[str, float | int | bool | None]:
    """The numbers of a batch that are plotted over time."""
    return {
        "rows_in": found.rows_in,
        "clean": found.clean,
        "quarantined": found.quarantined,
        "merged": found.merged,
        "quarantine_share": found.share,
        "repaired_cells": sum(found.repaired.values()),
        "stopped": found.stopped is not None,
    }


def reasons_table(found: Outcome) -> str:
    """The reasons, most frequent first, as a Markdown table."""
    if not found.reasons:
        return "No row broke the contract."
    lines = ["| reason | rows | such as row |", "| --- | ---: | --- |"]
    for reason, count in list(found.reasons.items())[:SHOWN]:
        examples = ", ".join(str(row) for row in found.examples.get(reason, ())) or "all the others"
        lines.append(f"| `{reason.replace('|', chr(92) + '|')}` | {count} | {examples} |")
    if len(found.reasons) > SHOWN:
        lines.append(f"| and {len(found.reasons) - SHOWN} more | | |")
    return "\n".join(lines)


def repairs_table(found: Outcome) -> str:
    """The repairs and the cells that they changed, as a Markdown table."""
    if not found.repaired:
        return "No cell was repaired."
    lines = [f"| `{what.replace('|', chr(92) + '|')}` | {count} |" for what, count in found.repaired.items()]
    return "\n".join(["| repair | cells |", "| --- | ---: |", *lines])
