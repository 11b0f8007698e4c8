"""A fake of the way to the providers, and the answers that it is scripted with."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fermata.domain.providers.calls import UploadCall, UpstreamCall
from fermata.errors import (
    FermataError,
)


@dataclass(frozen=True)
class ScriptedAnswer:
    """An HTTP answer from a script; `ends_with` is raised after the body, as a cut connection does."""

    body: bytes = b""
    http_status: int = 200
    content_type: str = "application/json"
    retry_after_s: int | None = None
    ends_with: FermataError | None = None
    chunk_bytes: int = 1000
    trace_id: str | None = None

    def chunks(self) -> Iterator[bytes]:
        for start in range(0, len(self.body), self.chunk_bytes):
            yield self.body[start : start + self.chunk_bytes]
        if self.ends_with is not None:
            raise self.ends_with


@dataclass(frozen=True)
class Sent:
    """One call that a provider received."""

    provider: str
    call: UpstreamCall
    key: str
    within_s: float


@dataclass(frozen=True)
class Uploaded:
    """One file that a provider received."""

    provider: str
    call: UploadCall
    content: bytes
    key: str
    within_s: float


class FakeUpstream:
    """Answers from a script, one entry per call, and fails the test that calls more often than it said.

    `while_sending` runs after a request went out and before its answer is handed over.
    """

    def __init__(self, *script: ScriptedAnswer | FermataError) -> None:
        self.script = list(script)
        self.sent: list[Sent] = []
        self.uploaded: list[Uploaded] = []
        self.while_sending: Callable[[], object] | None = None

    @property
    def posts(self) -> int:
        return sum(sent.call.method == "POST" for sent in self.sent)

    @contextmanager
    def send(self, provider: str, call: UpstreamCall, key: str, within_s: float) -> Iterator[ScriptedAnswer]:
        self.sent.append(Sent(provider, call, key, within_s))
        yield self._next_answer(f"{call.method} {call.path}")

    @contextmanager
    def upload(
        self, provider: str, call: UploadCall, file: Path, key: str, within_s: float
    ) -> Iterator[ScriptedAnswer]:
        self.uploaded.append(Uploaded(provider, call, file.read_bytes(), key, within_s))
        yield self._next_answer(f"an upload to {call.path}")

    def _next_answer(self, what: str) -> ScriptedAnswer:
        meanwhile, self.while_sending = self.while_sending, None
        if meanwhile is not None:
            meanwhile()
        if not self.script:
            raise AssertionError(f"the script has no answer to call {len(self.sent) + len(self.uploaded)}: {what}")
        answer = self.script.pop(0)
        if isinstance(answer, FermataError):
            raise answer
        return answer
