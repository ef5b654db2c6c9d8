"""A person's approval: an accepted challenger waits for it where the declaration asks for one."""

import getpass
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from mlops_assets.errors import NoVerdict

if TYPE_CHECKING:
    from mlops_assets.rooms.evaluate.verdict import Verdict
    from mlops_assets.spec.release import Release as Rule
    from mlops_assets.stores.lineage import Lineage

PENDING: Final = "approval_request"
APPROVAL: Final = "approval"


@dataclass(frozen=True)
class Approval:
    """That a person approved one verdict.

    Attributes:
        verdict: its digest.
        version: that it accepts.
        who: the person's name.
        role: by which the person is entitled.
        note: what else the person said.
        user: the account under which it was said.
    """

    verdict: str
    version: int
    who: str
    role: str
    note: str = ""
    user: str = ""


def needed(rule: "Rule") -> bool:
    """Whether a release waits for a person."""
    return rule.approval == "required"


def granted(lineage: "Lineage", rule: "Rule", verdict: "Verdict") -> Approval | None:
    """The approval of a verdict by somebody whom the declaration entitles now, or None."""
    for record in reversed(lineage.records(APPROVAL, verdict.model)):
        found = Approval(**record.body)
        if found.verdict == verdict.digest and rule.entitles(found.who, found.role):
            return found
    return None


def request(lineage: "Lineage", verdict: "Verdict") -> None:
    """Write down, once, that a release waits."""
    body: dict[str, Any] = {"version": verdict.challenger, "verdict": verdict.digest, "at": verdict.at}
    lineage.append(PENDING, verdict.model, body, once=f"pending:{verdict.model}:{verdict.digest}")


def approve(
    lineage: "Lineage", rule: "Rule", verdict: "Verdict", *, who: str, role: str, note: str = "", user: str = ""
) -> Approval:
    """Approve the release that a verdict asks for; saying it twice is saying it once.

    Raises:
        NoVerdict: no approval is asked for, the verdict refuses, or the person is not entitled.
    """
    if not needed(rule):
        step = "set release: {approval: required} in its declaration"
        raise NoVerdict.of(f"model '{verdict.model}' asks for no approval", step=step)
    if not verdict.accepted:
        what = f"the newest verdict on model '{verdict.model}' refuses version {verdict.challenger}"
        raise NoVerdict.of(f"{what}: there is nothing to approve", step="see its gates, or override it by name")
    entitled(rule, who, role)
    found = Approval(verdict.digest, verdict.challenger, who.strip(), role.strip(), note.strip(), user or account())
    once = f"approval:{verdict.digest}:{found.who}:{found.role}"
    return Approval(**lineage.append(APPROVAL, verdict.model, asdict(found), once=once).body)


def entitled(rule: "Rule", who: str, role: str) -> None:
    """Refuse a person without a name, or whom the declaration does not entitle.

    Raises:
        NoVerdict: no name was given, or another name or role is asked for.
    """
    if not who.strip():
        raise NoVerdict.of("nobody is named", step="say who decides: --who NAME")
    if needed(rule) and not (role.strip() and rule.entitles(who.strip(), role.strip())):
        allowed = ", ".join(f"{each.name or 'anybody'} as {each.role}" for each in rule.approvers)
        raise NoVerdict.of(
            "not entitled to decide on this model", got=f"{who} as {role or '(no role)'}", allowed=allowed or "any role"
        )


def account() -> str:
    """The operating system's account; what a person says of themselves is recorded beside it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no entry for this user id, as in some containers
        return "(unknown)"
