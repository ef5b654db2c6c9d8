"""The noun Model: from labels to the retraining that its own predictions ask for."""

import dagster as dg

from mlops_assets import keys
from mlops_assets.components import references
from mlops_assets.components.house import House
from mlops_assets.components.noun import Noun
from mlops_assets.components.origin import Origin
from mlops_assets.components.scaffold import ModelScaffolder
from mlops_assets.errors import SpecError, UnknownName
from mlops_assets.resources import declaration
from mlops_assets.rooms.evaluate import assets as evaluate
from mlops_assets.rooms.govern import infrastructure
from mlops_assets.rooms.label import assets as label
from mlops_assets.rooms.monitor import assets as monitor
from mlops_assets.rooms.release import assets as release
from mlops_assets.rooms.release import jobs as by_hand
from mlops_assets.rooms.release import sensors as approval
from mlops_assets.rooms.retrain import assets as retrain
from mlops_assets.rooms.retrain import checks, sensors
from mlops_assets.rooms.serve import assets as serve
from mlops_assets.rooms.serve import checks as serving
from mlops_assets.rooms.serve import jobs as tried
from mlops_assets.rooms.serve import sensors as served
from mlops_assets.rooms.train import assets as train
from mlops_assets.rooms.train.candidates import CANDIDATES
from mlops_assets.rooms.train.metrics import METRICS
from mlops_assets.spec import model as spec

ROOMS = (label, train, release, serve, monitor, retrain)
BESIDE: evaluate.Beside = {
    infrastructure.NAME: lambda stores: infrastructure.infrastructure(stores.registry(), stores.environments())
}
"""The gates of later rooms."""


@dg.scaffold_with(ModelScaffolder)
class Model(Noun[spec.Model]):
    """A target over feature tables: how to train, judge, serve, watch and retrain the model that predicts it."""

    spec_type = spec.Model

    def check(self, origin: Origin) -> None:
        """Look up the candidates, and the functions that the user names; these must not hide a registered metric."""
        told = self.spec.told_task
        tasks = [told] if told else list(CANDIDATES)
        known = {name for task in tasks for name in CANDIDATES[task]}
        for number, name in enumerate(self.spec.train.candidates or ()):
            where = origin.at("train", "candidates", number)
            if ":" in name:
                references.check(name, origin, where)
            elif name not in known:
                raise UnknownName.among(f"{told} candidate" if told else "candidate", name, known, where=where)
        for metric, own in self.spec.metrics.items():
            if metric in METRICS:
                raise SpecError.of(
                    f"{origin.at('metrics', metric)}: metric '{metric}' hides the registered one of that name",
                    allowed=f"a name other than {', '.join(METRICS)}",
                    step="give it another name",
                )
            references.check(own.function, origin, origin.at("metrics", metric, "function"))

    def merged(self, house: House) -> dg.Definitions:
        """The assets of the model's life, the job that trains, judges and releases, and the sensor that asks for it."""
        plan = house.model(self.name)
        return dg.Definitions(
            assets=[
                *evaluate.build(plan, BESIDE),
                *(asset for room in ROOMS for asset in room.build(plan)),
                *serve.watched(plan),
            ],
            asset_checks=[*checks.build(plan), *serving.build(plan)],
            sensors=[*approval.build(plan), *served.build(plan), *sensors.build(plan)],
            jobs=[
                *by_hand.build(plan),
                *tried.build(plan),
                dg.define_asset_job(
                    keys.served_job(self.name),
                    selection=dg.AssetSelection.tag(serve.SERVED, self.name)
                    | dg.AssetSelection.checks(*serving.build(plan)),
                    description=f"How the prediction service is used for {self.name}, and how challengers compare.",
                ),
                dg.define_asset_job(
                    keys.retrain_job(self.name),
                    selection=dg.AssetSelection.tag(declaration.RETRAIN, self.name),
                    description=f"A challenger for {self.name}: trained, judged, and released if the verdict says so.",
                ),
            ],
        )
