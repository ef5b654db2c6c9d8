"""Every asset key, spelled once: a key is (noun, stage), and a table in the lake is named `noun/stage`."""

from typing import Final

Key = tuple[str, str]

DATASET_STAGES: Final = ("raw", "clean", "quarantine", "eda_report", "profile")
DECLARED_DATASET_STAGES: Final = ("repairs", "groups")
"""Those that a dataset has only when it declares such a thing."""
FEATURE_STAGES: Final = ("offline", "online")
MODEL_STAGES: Final = (
    "labels",
    "training_set",
    "leaderboard",
    "challenger",
    "evaluation",
    "verdict",
    "champion",
    "predictions",
    "feedback",
    "shadow_report",
    "usage_report",
    "stress_report",
    "drift_report",
    "performance_report",
    "retrain_request",
)


def key(noun: str, stage: str) -> Key:
    """The asset key of a noun's stage.

    >>> key("flights", "clean")
    ('flights', 'clean')
    """
    if stage not in (*DATASET_STAGES, *DECLARED_DATASET_STAGES, *FEATURE_STAGES, *MODEL_STAGES):
        raise ValueError(f"unknown stage {stage!r}")
    return (noun, stage)


def table(noun: str, stage: str) -> str:
    """The lake's name for the table behind an asset key.

    >>> table("flights", "clean")
    'flights/clean'
    """
    return "/".join(key(noun, stage))


def raw_table(dataset: str, batch: str) -> str:
    """The lake's name for one raw batch; each batch keeps the schema that it arrived with.

    >>> raw_table("flights", "2013-01")
    'flights/raw/2013-01'
    """
    return f"{dataset}/raw/{batch}"


def windows_table(model: str) -> str:
    """The lake's name for what is in which window, where windows are no batches; no asset stands for it.

    >>> windows_table("flight_delays")
    'flight_delays/windows'
    """
    return f"{model}/windows"


def partitions(dataset: str) -> str:
    """The name of a dataset's dynamic partitions: one a batch.

    >>> partitions("flights")
    'flights_batches'
    """
    return f"{dataset}_batches"


def arrival_job(dataset: str) -> str:
    """The job that takes one batch the whole way.

    >>> arrival_job("flights")
    'flights_arrival'
    """
    return f"{dataset}_arrival"


def pull_job(dataset: str) -> str:
    """The job that fetches a dataset's new rows and lands them.

    >>> pull_job("trips")
    'trips_pull'
    """
    return f"{dataset}_pull"


def served_job(model: str) -> str:
    """The job that reports on what the prediction service was asked.

    >>> served_job("flight_delays")
    'flight_delays_served'
    """
    return f"{model}_served"


def trial_job(model: str) -> str:
    """The job that tries a version beside the champion.

    >>> trial_job("flight_delays")
    'flight_delays_trial'
    """
    return f"{model}_trial"


def retrain_job(model: str) -> str:
    """The job that trains, judges and releases.

    >>> retrain_job("flight_delays")
    'flight_delays_retrain'
    """
    return f"{model}_retrain"


def rollback_job(model: str) -> str:
    """The job that takes a champion back.

    >>> rollback_job("flight_delays")
    'flight_delays_rollback'
    """
    return f"{model}_rollback"


def promote_job(model: str) -> str:
    """The job that releases what a verdict accepts, or a person insists on.

    >>> promote_job("flight_delays")
    'flight_delays_promote'
    """
    return f"{model}_promote"


def approve_job(model: str) -> str:
    """The job by which a person says yes to a release.

    >>> approve_job("flight_delays")
    'flight_delays_approve'
    """
    return f"{model}_approve"
