"""One evaluation of a sensor, as the daemon would make it."""

import dagster as dg

# The public API returns it, and hides its name.
from dagster._core.definitions.sensor_definition import SensorExecutionData


def evaluate(
    sensor: dg.SensorDefinition, instance: dg.DagsterInstance, definitions: dg.Definitions, cursor: str | None = None
) -> SensorExecutionData:
    """What a sensor asks for, or why it does not.

    `dg.build_sensor_context` cannot be used: without the instance's reference, a request for a batch that is added in
    the same tick is refused.
    """
    context = dg.SensorEvaluationContext(
        instance_ref=instance.get_ref(),
        instance=instance,
        cursor=cursor,
        repository_def=definitions.get_repository_def(),
        sensor_name=sensor.name,
    )
    with context.merge_resources(dict(definitions.resources or {})) as resourceful:
        return sensor.evaluate_tick(resourceful)
