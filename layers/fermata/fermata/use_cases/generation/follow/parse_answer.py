"""Parse a provider's answer without ever holding its audio in memory."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import IO

from fermata.domain.audio.answer_scanner import AnswerScanner, ScannedDocument
from fermata.domain.audio.bounds import within_memory
from fermata.domain.audio.container import HEAD_BYTES, begins_as_audio
from fermata.domain.audio.text_decoder import AudioTextDecoder, AudioTextHead
from fermata.domain.jobs.attempt import Attempt
from fermata.domain.jobs.job import Job
from fermata.domain.providers.calls import Provider, StartOutcome, UpstreamAnswer
from fermata.domain.providers.tracing import traced
from fermata.errors import BadAudioError
from fermata.ports.audio import AnswerStore
from fermata.ports.providers import StreamedAnswer


def read_answer(answer: StreamedAnswer, copy: IO[bytes] | None = None) -> UpstreamAnswer:
    """The parsed answer without its audio text. `copy` receives all bytes of the answer. An answer that does not fit
    into memory is returned as one that cannot be parsed, because reading it again would not help.
    """
    head, text = bytearray(), AudioTextHead()
    try:
        scanned = _scanned(answer, copy, head, text)
    except MemoryError:
        scanned = ScannedDocument(None, "too large", None)
    return UpstreamAnswer(
        http_status=answer.http_status,
        content_type=answer.content_type,
        document=scanned.document,
        flaw=scanned.flaw,
        text_length=scanned.text_length,
        text_begins_as_audio=text.begins_as_audio(),
        retry_after_s=answer.retry_after_s,
        begins_as_audio=begins_as_audio(bytes(head)),
        trace_id=answer.trace_id,
    )


def _scanned(answer: StreamedAnswer, copy: IO[bytes] | None, head: bytearray, text: AudioTextHead) -> ScannedDocument:
    scanner = AnswerScanner()
    for chunk in answer.chunks():
        if copy is not None:
            copy.write(chunk)
        head += chunk[: HEAD_BYTES - len(head)]
        text.feed(scanner.feed(chunk))
    return scanner.close()


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


def staged_answer(job: Job, attempt: Attempt, answers: AnswerStore) -> StreamedAnswer | None:
    """The completely staged answer to an attempt, or None. A redelivered attempt's is staged under its first job."""
    where = attempt.staging_of(job.id)
    return answers.open(where.job_id, where.attempt)


def understood_answer(
    job: Job, attempt: Attempt, answers: AnswerStore, providers: Callable[[str], Provider]
) -> StartOutcome | None:
    """The outcome that a completely staged answer means, or None if none is staged."""
    kept = staged_answer(job, attempt, answers)
    if kept is None:
        return None
    answer = replace(read_answer(kept), ordered=_ordered_texts(job))
    return traced(providers(attempt.dialect).read_start(answer), answer)


def _ordered_texts(job: Job) -> tuple[str, ...]:
    request = job.request
    models = (each.upstream_model for each in job.candidates)
    return (*models, request.prompt, request.lyrics, request.text, request.voice or "", request.title or "")
