"""Parse a provider's answer without ever holding its audio in memory."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import IO, Final

from fermata.domain.audio.answer_scanner import AnswerScanner, ScannedDocument
from fermata.domain.audio.bounds import within_memory
from fermata.domain.audio.container import HEAD_BYTES, begins_as_audio
from fermata.domain.audio.event_stream import EventStream
from fermata.domain.audio.text_decoder import AudioTextDecoder, AudioTextHead
from fermata.domain.jobs.attempt import Attempt
from fermata.domain.jobs.job import Job
from fermata.domain.providers.calls import Provider, StartOutcome, StreamFacts, UpstreamAnswer
from fermata.domain.providers.event_facts import EventFacts
from fermata.domain.providers.tracing import traced
from fermata.errors import BadAudioError
from fermata.ports.audio import AnswerStore
from fermata.ports.providers import StreamedAnswer

_EVENT_STREAM: Final = "text/event-stream"


def read_answer(answer: StreamedAnswer, copy: IO[bytes] | None = None) -> UpstreamAnswer:
    """The parsed answer without its audio text. `copy` receives all bytes of the answer. An answer that does not fit
    into memory is returned as one that cannot be parsed, because reading it again would not help.
    """
    reading = AnswerReading(answer)
    for chunk in answer.chunks():
        if copy is not None:
            copy.write(chunk)
        reading.feed(chunk)
    return reading.close()


class AnswerReading:
    """Parses one answer while it arrives; `close` returns it. What does not fit into memory is not read further."""

    def __init__(self, answer: StreamedAnswer) -> None:
        self._answer = answer
        self._head = bytearray()
        self._text = AudioTextHead()
        self._events = _Events(answer.content_type)
        self._scanner = AnswerScanner()
        self._is_too_large = False

    @property
    def is_stream(self) -> bool:
        """Whether the body begins as a stream of events."""
        return self._events.is_stream

    def feed(self, chunk: bytes) -> bytes:
        """Read the next bytes of the body. Return the audio text that they complete, as `AnswerScanner` does."""
        if self._is_too_large:
            return b""
        try:
            self._head += chunk[: HEAD_BYTES - len(self._head)]
            piece = self._scanner.feed(chunk)
            self._text.feed(piece)
            self._events.feed(chunk)
        except MemoryError:
            self._is_too_large = True
            return b""
        return piece

    def close(self) -> UpstreamAnswer:
        """The parsed answer, after the last chunk."""
        scanned, stream = ScannedDocument(None, "too large", None), None
        if not self._is_too_large:
            with suppress(MemoryError):
                stream = self._events.close()
                scanned = self._scanner.close()
        answer = self._answer
        return UpstreamAnswer(
            http_status=answer.http_status,
            content_type=answer.content_type,
            document=scanned.document,
            flaw=scanned.flaw,
            text_length=scanned.text_length,
            text_begins_as_audio=self._text.begins_as_audio(),
            retry_after_s=answer.retry_after_s,
            begins_as_audio=begins_as_audio(bytes(self._head)),
            stream=stream,
            trace_id=answer.trace_id,
        )


class _Events:
    """The facts of the events of a body, if it is a stream of events."""

    def __init__(self, content_type: str) -> None:
        self._is_marked = content_type.lower().startswith(_EVENT_STREAM)
        self._stream = EventStream()
        self._facts = EventFacts()

    @property
    def is_stream(self) -> bool:
        """Whether the body begins as a stream."""
        return self._stream.begins_as_events is True

    def feed(self, chunk: bytes) -> None:
        """Add the next bytes of the body."""
        self._add(self._stream.feed(chunk))

    def close(self) -> StreamFacts | None:
        """The facts, after the last byte; None if the body is no stream. An empty body is one if it is marked so."""
        self._add(self._stream.close())
        is_stream = self._stream.begins_as_events
        if is_stream is False or (is_stream is None and not self._is_marked):
            return None
        facts = self._facts.facts
        return replace(facts, flaw=facts.flaw or "too large") if self._stream.is_too_long else facts

    def _add(self, parts: Iterator[bytes | ScannedDocument]) -> None:
        for part in parts:
            if isinstance(part, ScannedDocument):
                self._facts.add(part)


def decoded_song(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The song that a stored answer contains as text, decoded piece by piece. Raises `BadAudioError` if it contains
    none, and `AudioTooComplexError` if decoding takes too much work or memory.
    """
    scanner, decoder = AnswerScanner(), AudioTextDecoder()
    for chunk in chunks:
        with within_memory():
            piece = decoder.feed(scanner.feed(chunk))
        yield piece
    with within_memory():
        scanned = scanner.close()
    if scanned.flaw is not None:
        raise BadAudioError(f"the staged answer is not one whole JSON document: {scanned.flaw}")
    yield decoder.close()


def decoded_events(chunks: Iterable[bytes], whole_event: int | None) -> Iterator[bytes]:
    """The song that the events of a stored answer contain, decoded piece by piece: that of one event, or of all in
    their order. Raises as `decoded_song` does.
    """
    stream, decoder, position = EventStream(), AudioTextDecoder(), 0
    for chunk in chunks:
        with within_memory():
            for part in stream.feed(chunk):
                if isinstance(part, ScannedDocument):
                    position += 1
                elif whole_event in (None, position):
                    yield decoder.feed(part)
    yield decoder.close()


def staged_answer(job: Job, attempt: Attempt, answers: AnswerStore) -> StreamedAnswer | None:
    """The completely staged answer to an attempt, or None. A redelivered attempt's is staged under its first job."""
    where = attempt.staging_of(job.id)
    return answers.open(where.job_id, where.attempt)


def understood_answer(
    job: Job, attempt: Attempt, answers: AnswerStore, providers: Callable[[str], Provider]
) -> StartOutcome | None:
    """The outcome that a completely staged answer means, or None if none is staged."""
    kept = staged_answer(job, attempt, answers)
    return None if kept is None else outcome_of(read_answer(kept), job, attempt, providers)


def outcome_of(
    answer: UpstreamAnswer, job: Job, attempt: Attempt, providers: Callable[[str], Provider]
) -> StartOutcome:
    """The outcome that the answer to an attempt means."""
    answer = replace(answer, ordered=_ordered_texts(job))
    return traced(providers(attempt.dialect).read_start(answer), answer)


def _ordered_texts(job: Job) -> tuple[str, ...]:
    request = job.request
    models = (each.upstream_model for each in job.candidates)
    return (*models, request.prompt, request.lyrics, request.text, request.voice or "", request.title or "")
