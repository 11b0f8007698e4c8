"""Poll a provider for a task, free of charge, on every route that its documentation names."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import SEEK_END
from pathlib import Path
from typing import IO, Final, Protocol

from fermata.domain.jobs.attempt import Attempt
from fermata.domain.jobs.job import Job
from fermata.domain.providers.calls import (
    AskedTask,
    AudioAt,
    AudioInAnswer,
    AudioIsAnswer,
    DoneWithoutLink,
    Provider,
    Refused,
    StillRunning,
    Trouble,
    UpstreamCall,
)
from fermata.domain.providers.failures import Failure, FailureClass, ProviderCharged
from fermata.domain.providers.tracing import traced
from fermata.domain.web.http_status import SUCCESSES
from fermata.errors import BadAudioError, ConfigurationError, DiskFullError, TransientError, UpstreamCallError
from fermata.log import logger
from fermata.ports.audio import AnswerStore
from fermata.ports.providers import ProviderKeys, Upstream
from fermata.scratch import spooled_file
from fermata.use_cases.generation.follow.parse_answer import decoded_song, read_answer

POLL_WITHIN_S: Final = 45
"""The longest time of one poll, in seconds, on all routes together."""
_IN_MEMORY_BYTES: Final = 1024 * 1024
_SONGS: Final = (AudioInAnswer, AudioIsAnswer)


class AskPorts(Protocol):
    """Ports of `ask_task`. `answers` makes the store only when an answer has to be kept."""

    @property
    def upstream(self) -> Upstream:
        """The transport to the providers."""

    @property
    def keys(self) -> ProviderKeys:
        """The operator's keys for the providers."""

    @property
    def providers(self) -> Callable[[str], Provider]:
        """The provider of a dialect."""

    @property
    def answers(self) -> Callable[[], AnswerStore]:
        """The store for answers that could not be used."""

    @property
    def scratch(self) -> Path:
        """A folder for temporary files."""


@dataclass(frozen=True)
class SongReceived:
    """The answer contained the song itself; its file is in staging under this song number. `trace_id` is the
    provider's trace id of the answer.
    """

    number: int
    trace_id: str | None = None


Asked = AudioAt | SongReceived | StillRunning | DoneWithoutLink | Trouble | Refused


def ask_task(job: Job, attempt: Attempt, ports: AskPorts, asked: int) -> tuple[Asked, Attempt]:
    """The provider's answer, and the attempt with the route that knew the task, which the next poll tries first. Tries
    another route only if one does not know the task or says nothing about it.

    An answer that may contain a song and could not be used is kept as `body.n`; `asked` is the number of polls that may
    have kept such answers before. No answer or failure of a provider raises.
    """
    routes = _routes(ports.providers(attempt.dialect).poll_call(attempt.upstream_id or ""))
    known = attempt.poll_route if attempt.poll_route < len(routes) else 0
    best: Asked | None = None
    for position, route in enumerate((known, *(other for other in range(len(routes)) if other != known))):
        kept_as = f"body.{asked * len(routes) + position + 1}"
        outcome = _poll_route(job, attempt, routes[route], POLL_WITHIN_S / len(routes), ports, kept_as)
        if _is_known(outcome):
            return outcome, attempt.known_on(route)
        if isinstance(outcome, Trouble) and not _not_found(outcome):
            return best if best is not None and _offers_links(best) else outcome, attempt
        best = outcome if best is None or _not_found(best) or _offers_links(outcome) else best
    return best or StillRunning(), attempt


def _offers_links(outcome: Asked) -> bool:
    return isinstance(outcome, StillRunning) and outcome.offered is not None


def _is_known(outcome: Asked) -> bool:
    """Whether this route knows the task; failures and empty answers do not show that."""
    return outcome.reported if isinstance(outcome, StillRunning) else not isinstance(outcome, Trouble)


def _routes(call: UpstreamCall) -> list[UpstreamCall]:
    return [call, *_routes(call.instead)] if call.instead else [call]


def _poll_route(
    job: Job, attempt: Attempt, call: UpstreamCall, within_s: float, ports: AskPorts, kept_as: str
) -> Asked:
    try:
        key = ports.keys.by_alias(attempt.provider, attempt.key_alias)
    except ConfigurationError:
        return Trouble(trouble_of_asking(FailureClass.AUTH, "key_removed", "the key that ordered the song was removed"))
    try:
        with spooled_file(ports.scratch, _IN_MEMORY_BYTES) as body:
            return _send_poll(job, attempt, call, key, within_s, body, ports, kept_as)
    except DiskFullError as error:
        # The task is unchanged, and the next run may have room.
        return Trouble(trouble_of_asking(FailureClass.TRANSIENT, "disk_full", str(error)))


def _send_poll(
    job: Job,
    attempt: Attempt,
    call: UpstreamCall,
    key: str,
    within_s: float,
    body: IO[bytes],
    ports: AskPorts,
    kept_as: str,
) -> Asked:
    was_answered = False
    try:
        with ports.upstream.send(attempt.provider, call, key, within_s) as answer:
            was_answered = answer.http_status in SUCCESSES
            received = read_answer(answer, body)
            polled = ports.providers(attempt.dialect).read_poll(received, _task(job, attempt))
            if isinstance(polled, AudioAt | AudioInAnswer | AudioIsAnswer):
                polled = traced(polled, received)
    except UpstreamCallError as error:
        polled = Trouble(trouble_of_asking(FailureClass.TRANSIENT, "no_answer", str(error)))
    outcome = _store_song(job, attempt, polled, body, ports) if isinstance(polled, _SONGS) else polled
    if was_answered and isinstance(outcome, Trouble | DoneWithoutLink | Refused):
        _keep(job, attempt, body, ports, kept_as)
    return outcome


def _task(job: Job, attempt: Attempt) -> AskedTask:
    """The attempt's task. A redelivery wants only some of its songs, so the highest wanted number counts, too."""
    return AskedTask(attempt.upstream_id or "", max(job.candidates[attempt.candidate].songs, *attempt.wanted, 1))


def _store_song(
    job: Job, attempt: Attempt, polled: AudioInAnswer | AudioIsAnswer, body: IO[bytes], ports: AskPorts
) -> SongReceived | Trouble:
    """Store the song of an answer in staging, where fetched songs are stored."""
    number, where = next(iter(attempt.wanted), 1), attempt.staging_of(job.id)
    body.seek(0)
    try:
        with spooled_file(ports.scratch, _IN_MEMORY_BYTES) as file:
            for piece in decoded_song(_pieces(body)) if isinstance(polled, AudioInAnswer) else _pieces(body):
                file.write(piece)
            file.seek(0)
            ports.answers().keep_file(where.job_id, where.attempt, f"file.{number}", file)
    except (BadAudioError, TransientError) as error:
        body.seek(0, SEEK_END)
        return Trouble(trouble_of_asking(FailureClass.TRANSIENT, "song_not_kept", str(error)))
    return SongReceived(number, polled.trace_id)


def _pieces(body: IO[bytes]) -> Iterator[bytes]:
    return iter(lambda: body.read(_IN_MEMORY_BYTES), b"")


def _keep(job: Job, attempt: Attempt, body: IO[bytes], ports: AskPorts, kept_as: str) -> None:
    """Keep an unusable answer that may contain a paid song. A failure to keep it is only logged."""
    if body.tell() == 0:
        return
    body.seek(0)
    try:
        ports.answers().keep_file(job.id, attempt.number, kept_as, body)
    except TransientError as error:
        logger.warning("an answer to a poll was not kept", extra={"kept_as": kept_as, "error": str(error)})


def trouble_of_asking(failure_class: FailureClass, code: str, found: str) -> Failure:
    """The failure of a poll, with which the job ends if no later poll succeeds; `found` is the cause."""
    return Failure(
        failure_class=failure_class,
        provider_charged=ProviderCharged.UNKNOWN,
        message=f"the audio was ordered, and the provider could not be asked for it: {found}",
        code=code,
    )


def _not_found(outcome: Asked) -> bool:
    return isinstance(outcome, Trouble) and outcome.failure.failure_class is FailureClass.NOT_FOUND
