"""How a model is released: by its verdict alone, or with a person's approval."""

from typing import Annotated, Literal

from pydantic import StringConstraints, model_validator

from mlops_assets.spec.base import Spec

Words = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]


class Approver(Spec):
    """Who may approve."""

    role: Words
    """What makes the person entitled, such as `risk officer`."""
    name: Words | None = None
    """The person; left out: anybody in that role."""


class Release(Spec):
    """What a release needs besides a verdict that accepts."""

    approval: Literal["none", "required"] = "none"
    """`required`: an accepted challenger waits until a person approves it."""
    approvers: tuple[Approver, ...] = ()
    """Who may approve, override and roll back; left out: anybody who gives name and role."""

    @model_validator(mode="after")
    def _asked(self) -> "Release":
        if self.approvers and self.approval == "none":
            raise ValueError("approvers are named but no approval is asked for: set approval: required")
        return self

    def entitles(self, name: str, role: str) -> bool:
        """Whether a person in a role may decide.

        >>> rule = Release(approval="required", approvers=(Approver(role="risk officer"),))
        >>> rule.entitles("Ada", "Risk officer"), rule.entitles("Ada", "intern")
        (True, False)
        """
        return not self.approvers or any(
            role.casefold() == each.role.casefold() and (each.name is None or name.casefold() == each.name.casefold())
            for each in self.approvers
        )
