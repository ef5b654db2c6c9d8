"""How a person is reached: a webhook that takes Slack's JSON, and e-mail; each either delivers or raises."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Final

from mlops_assets.spec.retrain import Email, Notify

TIMEOUT: Final = 5.0
"""Seconds: a channel that does not answer must not hold up the ticks."""


@dataclass(frozen=True)
class Message:
    """What a person is told.

    Attributes:
        title: in a line.
        text: what happened, does it matter, what was done about it.
        links: what each page is to its URL.
    """

    title: str
    text: str
    links: tuple[tuple[str, str], ...] = ()


Send = Callable[[Message], None]


def channels(declared: Notify) -> dict[str, Send]:
    """The declared channels by name."""
    found: dict[str, Send] = {}
    url, mailbox = declared.webhook.get_secret_value(), declared.email
    if url:
        found["webhook"] = lambda message: post(url, message)
    if mailbox:
        found["email"] = lambda message: mail(mailbox, message)
    return found


def hidden(declared: Notify, text: str) -> str:
    """A text without the secrets of the channels."""
    secrets = [declared.webhook.get_secret_value()]
    if declared.email:
        secrets.append(declared.email.password.get_secret_value())
    for secret in filter(None, secrets):
        text = text.replace(secret, "(secret)")
    return text


def post(url: str, message: Message) -> None:
    """Post Slack's JSON; any answer but 2xx raises.

    Raises:
        OSError: it was not taken.
    """
    from urllib.request import Request, urlopen

    links = [f"<{link}|{_escaped(name)}>" for name, link in message.links]
    text = "\n".join([f"*{_escaped(message.title)}*", _escaped(message.text), *links])
    body = json.dumps({"text": text}).encode()
    request = Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - the declaration allows http(s) only
    with urlopen(request, timeout=TIMEOUT):  # noqa: S310
        pass


def mail(mailbox: Email, message: Message) -> None:
    """Hand an e-mail to the declared server.

    Raises:
        OSError: it was not taken.
    """
    import smtplib
    import ssl

    letter = EmailMessage()
    letter["Subject"], letter["From"], letter["To"] = message.title, mailbox.sender, ", ".join(mailbox.to)
    letter.set_content("\n\n".join([message.text, *(f"{name}: {link}" for name, link in message.links)]))
    with smtplib.SMTP(mailbox.host, mailbox.port, timeout=TIMEOUT) as server:
        if mailbox.starttls:
            server.starttls(context=ssl.create_default_context())
        if mailbox.user:
            server.login(mailbox.user, mailbox.password.get_secret_value())
        server.send_message(letter)


def _escaped(text: str) -> str:
    """As Slack asks: these three characters and no others."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
