"""The stores as Dagster resources: each opens its embedded default below the platform's home when asked."""

from dataclasses import replace
from pathlib import Path

import dagster as dg
from pydantic import PrivateAttr

from mlops_assets.settings import Settings
from mlops_assets.stores.cache import Cache, FolderCache
from mlops_assets.stores.delta import DeltaLake
from mlops_assets.stores.environments import Environments
from mlops_assets.stores.labels import LabelStore, LakeLabels
from mlops_assets.stores.lake import Lake
from mlops_assets.stores.lineage import Lineage, SqliteLineage
from mlops_assets.stores.mlflow import MlflowRegistry
from mlops_assets.stores.online import OnlineStore, opened
from mlops_assets.stores.predictions import LakePredictions, PredictionLog
from mlops_assets.stores.registry import Registry
from mlops_assets.stores.reports import FolderReports, Reports
from mlops_assets.stores.serving import ServingStore
from mlops_assets.stores.workspace import FolderWorkspace, Workspace


class Stores(dg.ConfigurableResource):  # type: ignore[type-arg]  # Dagster's resource is generic over what it returns: itself
    """Everything that is kept, opened below one home.

    Attributes:
        home: the folder that holds `data/`; empty: `MLOPS_HOME`, or else the working folder.
    """

    home: str = ""
    _run_id: str = PrivateAttr(default="")

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Remember the run, so that the commit of every table it writes names it."""
        self._run_id = context.run.run_id if context.run else ""

    def settings(self) -> Settings:
        """The paths and URLs in force."""
        found = Settings.from_env()
        return replace(found, home=Path(self.home).resolve()) if self.home else found

    def lake(self) -> Lake:
        """The versioned tables."""
        return DeltaLake(self.settings().lake, {"run_id": self._run_id} if self._run_id else None)

    def reports(self) -> Reports:
        """The HTML reports."""
        return FolderReports(self.settings().reports, self.settings().reports_url)

    def registry(self) -> Registry:
        """The models."""
        found = self.settings()
        return MlflowRegistry(found.mlflow_uri, found.mlflow_artifacts)

    def online(self) -> OnlineStore:
        """The newest features of each key."""
        found = self.settings()
        return opened(found.online_url, found.online)

    def predictions(self) -> PredictionLog:
        """What was asked and answered."""
        return LakePredictions(self.lake())

    def labels(self) -> LabelStore:
        """Ground truth, as it matures."""
        return LakeLabels(self.lake())

    def lineage(self) -> Lineage:
        """Snapshots, verdicts, releases and demands."""
        return SqliteLineage(self.settings().lineage)

    def serving(self) -> ServingStore:
        """The bundles that the prediction service serves."""
        return ServingStore(self.settings().serving)

    def cache(self) -> Cache:
        """What was computed once and can be made anew."""
        return FolderCache(self.settings().cache)

    def profiles(self) -> Cache:
        """How each batch's values are spread."""
        return FolderCache(self.settings().profiles, most=None)

    def workspace(self) -> Workspace:
        """The windows' snapshots, for Evidently's own UI."""
        return FolderWorkspace(self.settings().evidently)

    def environments(self) -> Environments:
        """Environments built from locks."""
        found = self.settings()
        return Environments(found.environments, found.wheels)
