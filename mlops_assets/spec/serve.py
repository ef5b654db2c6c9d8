"""How a model is served: what is refused, what the log may keep, and who is tried beside the champion."""

from typing import Annotated, Literal

from pydantic import Field

from mlops_assets.spec.base import Column, Spec

Privacy = Literal["keep", "hash", "bucket", "drop"]
SmallShare = Annotated[float, Field(gt=0, le=0.1)]


class Guard(Spec):
    """What a release must keep to while it serves; when it does not, the release before it is served again."""

    max_error_rate: Annotated[float, Field(gt=0, lt=1)] | None = None
    """The share of requests that fail on our side."""
    max_latency_ratio: Annotated[float, Field(gt=1)] | None = None
    """The mean time an answer takes, against the release before."""
    max_score_shift: Annotated[float, Field(gt=0)] | None = None
    """The mean score's distance from that of the release before."""
    min_requests: Annotated[int, Field(ge=20)] = 500
    """Of the new release, before it is judged."""

    @property
    def armed(self) -> bool:
        """Whether there is anything to keep to."""
        return any((self.max_error_rate, self.max_latency_ratio, self.max_score_shift))


class Serve(Spec):
    """How a model is served."""

    sensitive: tuple[Column, ...] = ()
    """Features or key columns about a person; unless `privacy` says otherwise the prediction log drops them."""
    privacy: dict[Column, Privacy] = Field(default_factory=dict)
    """Feature or key column to what the prediction log keeps of it: the value, a salted hash, a coarse bucket, or
    nothing."""
    unknown_categories: dict[Column, Literal["allow", "refuse"]] = Field(default_factory=dict)
    """Whether a category that training never saw is answered; left out: refused."""
    shadow: SmallShare | None = None
    """The share of requests that challengers answer too, in the background; left out: the log is replayed."""
    canary: SmallShare | None = None
    """The share of keys that the newest challenger answers in the champion's place."""
    guard: Guard = Guard()
    durability: Literal["process", "power"] = "process"
    """What an acknowledged prediction outlives: the death of the process, or a loss of power too."""
    workers: Annotated[int, Field(ge=1, le=64)] | None = None
    batch_size: Annotated[int, Field(ge=1, le=1024)] | None = None
    in_flight: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """These three are measured by `mlops stress`; what is declared here is kept."""

    def rule(self, column: str) -> Privacy:
        """What the prediction log keeps of a feature.

        >>> Serve(sensitive=("age",)).rule("age"), Serve().rule("distance")
        ('drop', 'keep')
        """
        return self.privacy.get(column, "drop" if column in self.sensitive else "keep")
