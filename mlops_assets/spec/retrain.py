"""When to ask for a challenger, whom to tell, and when a champion is too old."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, SecretStr, model_validator

from mlops_assets.spec.base import Duration, Spec

Cause = Literal["demand", "performance", "contract", "code", "age", "drift", "schedule", "new_data"]


class Persistence(Spec):
    """How many windows must agree before an alarm is a cause: one in twenty calm windows alarms by design."""

    alarms: Annotated[int, Field(ge=1)] = 2
    """Windows that must alarm,"""
    windows: Annotated[int, Field(ge=1)] = 3
    """of the newest so many that no request knew of."""

    @model_validator(mode="after")
    def _possible(self) -> "Persistence":
        if self.alarms > self.windows:
            raise ValueError(f"{self.alarms} alarms of {self.windows} windows can never be: raise windows")
        return self


class Budget(Spec):
    """How often a model may be trained."""

    requests: Annotated[int, Field(ge=1)] = 12
    """Requests at most,"""
    period: Duration = timedelta(days=365)
    """in a stretch of the data's own time; a demand goes over it."""


class Email(Spec):
    """A mailbox of a person, and the server that takes mail for it."""

    to: tuple[str, ...]
    sender: str = "mlops@localhost"
    host: str = "localhost"
    port: Annotated[int, Field(ge=1, le=65_535)] = 25
    starttls: bool = False
    user: str = ""
    """Left out: no login."""
    password: SecretStr = SecretStr("")
    """Such as `{{ env.SMTP_PASSWORD }}`, so that it stands in no file."""

    @model_validator(mode="after")
    def _needs_somebody(self) -> "Email":
        if not self.to:
            raise ValueError("an e-mail needs somebody to go to: name at least one address in to")
        return self


class Notify(Spec):
    """How a person is called when retraining didn't help, failed, or the champion expired."""

    webhook: SecretStr = SecretStr("")
    """A URL that takes Slack's JSON, such as `{{ env.SLACK_WEBHOOK }}`."""
    email: Email | None = None

    @model_validator(mode="after")
    def _web_address(self) -> "Notify":
        url = self.webhook.get_secret_value()
        if url and not url.startswith(("http://", "https://")):
            raise ValueError("webhook is no web address: it must start with https:// or http://")
        return self


class Retrain(Spec):
    """When to ask for a challenger."""

    causes: tuple[Cause, ...] = ("demand", "performance", "contract", "code", "age", "drift", "schedule", "new_data")
    """What may ask, the most urgent first."""
    paused: bool = False
    """The kill switch; `mlops retrain --pause` is the one that needs no new declaration."""
    persistence: Persistence = Persistence()
    cooldown: Duration = timedelta(days=28)
    """In the data's own time, from one request to the next; a demand does not wait."""
    backoff: Annotated[float, Field(ge=1, le=10)] = 2.0
    """By what the cooldown of a cause is multiplied each time it led to nothing; an accepted challenger ends that."""
    max_cooldown: Duration = timedelta(days=180)
    """However often it led to nothing."""
    budget: Budget = Budget()
    min_new_labels: Annotated[int, Field(ge=0)] = 500
    """Labels matured since the last request below which no retraining makes sense; not asked of changed code."""
    new_data: Annotated[float, Field(gt=0)] = 1.0
    """Labels matured since the last request, as a share of those that it had, that are a cause."""
    every: Duration | None = None
    """The schedule, in the data's own time."""
    max_age: Duration | None = None
    """Of the champion since its release, from which its age is a cause."""
    notify: Notify = Notify()


class Expiry(Spec):
    """When a champion is too old to be trusted as it is."""

    after: Duration
    """Since its release."""
    action: Literal["warn", "retrain", "stop"] = "warn"
    """What follows: it is shown; it also asks for a challenger; or it also answers no more."""
    clock: Literal["data", "wall"] = "data"
    """By the newest event time seen, so that a replay behaves as the year did, or by the clock on the wall."""
