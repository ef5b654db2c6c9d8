"""Paths and URLs from the environment, read once when asked: never at import."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class Settings:
    """Where the platform keeps what it writes, and where its pages are served.

    Attributes:
        home: the folder that holds `data/`; relative paths in specs start here.
        reports_url: base URL of the report server, without a trailing slash.
        online_url: of the Redis that keeps the online features; empty: the embedded store.
        mlflow_url: base URL of MLflow's UI, to which Dagster's assets link.
        evidently_url: base URL of Evidently's UI, which shows the windows of every model.
        dagster_url: base URL of Dagster's UI, to which MLflow's runs link.
    """

    home: Path
    reports_url: str = "http://127.0.0.1:3001"
    online_url: str = field(default="", repr=False)
    mlflow_url: str = "http://127.0.0.1:3003"
    evidently_url: str = "http://127.0.0.1:3004"
    dagster_url: str = "http://127.0.0.1:3000"

    @classmethod
    def from_env(cls) -> Self:
        """Read `MLOPS_HOME` (default: the working folder), `MLOPS_ONLINE_URL`, and the URLs of the UIs."""
        home = Path(os.environ.get("MLOPS_HOME") or Path.cwd()).resolve()
        names = ("reports_url", "mlflow_url", "evidently_url", "dagster_url")
        urls = {name: os.environ.get(f"MLOPS_{name.upper()}", getattr(cls, name)).rstrip("/") for name in names}
        return cls(home=home, online_url=os.environ.get("MLOPS_ONLINE_URL", ""), **urls)

    @property
    def data(self) -> Path:
        """All that arrives and all that is written."""
        return self.home / "data"

    @property
    def landing(self) -> Path:
        """Where files arrive."""
        return self.data / "landing"

    @property
    def lake(self) -> Path:
        """The versioned tables."""
        return self.data / "lake"

    @property
    def reports(self) -> Path:
        """HTML reports, a folder an asset."""
        return self.data / "reports"

    @property
    def dagster_home(self) -> Path:
        """Dagster's runs, events and schedules."""
        return self.data / "dagster"

    @property
    def mlflow_uri(self) -> str:
        """MLflow's tracking and registry database."""
        return f"sqlite:///{self.data / 'mlflow' / 'mlflow.db'}"

    @property
    def mlflow_artifacts(self) -> Path:
        """MLflow's artifact folder."""
        return self.data / "mlflow" / "artifacts"

    @property
    def searches(self) -> Path:
        """The journals of hyperparameter searches, a folder a model."""
        return self.data / "search"

    @property
    def online(self) -> Path:
        """The online feature store."""
        return self.data / "online.db"

    @property
    def cache(self) -> Path:
        """What was computed once and is made anew when it is lost."""
        return self.data / "cache"

    @property
    def evidently(self) -> Path:
        """The workspace of Evidently's UI."""
        return self.data / "evidently"

    @property
    def profiles(self) -> Path:
        """How each batch's values are spread, by its fingerprint; made anew when lost."""
        return self.data / "profiles"

    @property
    def environments(self) -> Path:
        """Environments built from a lock, by its digest."""
        return self.data / "environments"

    @property
    def wheels(self) -> Path:
        """Wheels that an environment may be built from without a network: `MLOPS_WHEELS`, or below the home."""
        return Path(os.environ.get("MLOPS_WHEELS") or self.data / "wheels")

    @property
    def lineage(self) -> Path:
        """Snapshots, verdicts, releases and demands: append-only."""
        return self.data / "lineage.db"

    @property
    def serving(self) -> Path:
        """What the prediction service serves: immutable bundles, and which of them is live."""
        return self.data / "serving"

    @property
    def prediction_log(self) -> Path:
        """Segments that the prediction service wrote and the lake has not taken yet."""
        return self.data / "prediction_log"
