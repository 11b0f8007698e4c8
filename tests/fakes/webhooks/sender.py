"""A fake of the sender."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fermata.domain.webhooks.delivery import Answered, Reply


@dataclass(frozen=True)
class SentWebhook:
    """A post as a receiver would have seen it."""

    url: str
    headers: Mapping[str, str]
    body: bytes


class ScriptedWebhookSender:
    """Gives the script's replies one after the other, and then 204. `while_sending` runs once, before a reply."""

    def __init__(self, *script: Reply) -> None:
        self.script = list(script)
        self.sent: list[SentWebhook] = []
        self.while_sending: Callable[[], object] | None = None

    def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        self.sent.append(SentWebhook(url, dict(headers), body))
        meanwhile, self.while_sending = self.while_sending, None
        if meanwhile is not None:
            meanwhile()
        return self.script.pop(0) if self.script else Answered(204)
