"""A Retention: which old versions of a noun's tables stay."""

from typing import Annotated

from pydantic import Field

from mlops_assets.spec.base import Duration, Spec


class Retention(Spec):
    """Which old versions of a noun's tables stay; the newest, and what a living model was made of, always do."""

    versions: Annotated[int, Field(ge=1)] | None = None
    """So many of the newest stay."""
    age: Duration | None = None
    """Versions that were replaced less long ago stay."""
