"""Read a provider's answer without ever holding its audio."""

from fermata.domain.answer_scanner import AnswerScanner
from fermata.domain.audio_kind import HEAD_BYTES, begins_as_audio
from fermata.domain.upstream import UpstreamAnswer
from fermata.ports import StreamedAnswer


def read_answer(answer: StreamedAnswer) -> UpstreamAnswer:
    """The answer with its audio text left out; raises `BadAudioError` where two texts claim to be the song."""
    scanner, head = AnswerScanner(), b""
    for chunk in answer.chunks():
        head += chunk[: HEAD_BYTES - len(head)]
        scanner.feed(chunk)
    scanned = scanner.close()
    return UpstreamAnswer(
        http_status=answer.http_status,
        content_type=answer.content_type,
        document=scanned.document,
        flaw=scanned.flaw,
        hex_digits=scanned.hex_digits,
        retry_after_s=answer.retry_after_s,
        begins_as_audio=begins_as_audio(head),
    )
