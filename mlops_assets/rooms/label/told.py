"""Outcomes and corrections that were told by prediction id become labels of the rows that were predicted."""

from typing import TYPE_CHECKING

from mlops_assets import keys
from mlops_assets.rooms.label.truth import NO_OUTCOME
from mlops_assets.spec.plan import ModelPlan
from mlops_assets.stores import sql
from mlops_assets.stores.labels import LABELLED
from mlops_assets.stores.lake import Lake

if TYPE_CHECKING:
    import pyarrow as pa


def with_told(lake: Lake, plan: ModelPlan, rows: "pa.Table") -> "pa.Table":
    """The labels of a batch, with what was told of their predictions.

    A person's correction replaces a label, an outcome fills one that is missing; of several the newest counts, and a
    null takes back what was told before. The label is known from the moment that was told with it.
    """
    feedback, predictions = (keys.table(plan.name, stage) for stage in ("feedback", "predictions"))
    if not (lake.exists(feedback) and lake.exists(predictions)):
        return rows
    key = sql.identifiers(plan.dataset.key)
    there = " and ".join(f"p.{sql.identifier(name)} is not null" for name in plan.dataset.key)
    as_kind = "varchar" if str(rows.schema.field("label").type) == "string" else "double"
    said = f"try_cast(case f.label when 'true' then '1' when 'false' then '0' else f.label ->> '$' end as {as_kind})"
    query = f"""
    with told as (
        select {key}, label as told_label, known_at as told_at, kind from (
            select p.* , {said} as label, f.known_at, f.kind, row_number() over (
                partition by {key} order by f.kind = 'correction' desc, f.told_at desc
            ) as place
            from (select distinct prediction_id, {key} from {lake.scan(predictions)}) p
            join {lake.scan(feedback)} f using (prediction_id) where {there}
        ) where place = 1 and label is not null
    ), merged as (
        select rows_.*, told_label, told_at,
            told_label is not null and (kind = 'correction' or status = '{NO_OUTCOME}') as taken
        from rows_ left join told using ({key})
    )
    select * exclude (told_label, told_at, taken) replace (
        case when taken then told_label else label end as label,
        case when taken then told_at else known_at end as known_at,
        case when taken then '{LABELLED}' else status end as status
    ) from merged order by event_time, {key}
    """
    with sql.session() as connection:
        connection.register("rows_", rows)
        return connection.execute(query).to_arrow_table().cast(rows.schema)
