"""The route for finished files, which all dialects with links share."""

import re
from dataclasses import replace

from local.simulators.faults import Fault, FaultKind
from local.simulators.http.exchange import Answer, Request, json_answer
from local.simulators.providers.dialect import Backend, Route, Visit
from local.simulators.providers.links import NOT_AUDIO, LinkedFile, expired_answer
from local.simulators.recording import CHARACTERS_A_SECOND


def file_route(backend: Backend) -> Route:
    """The route for GET on links of this simulator."""

    def receive(request: Request) -> Visit:
        file = backend.links.find(request)
        return Visit(file.song.prompt, lambda fault: _file_answer(backend, file, fault))

    return Route("file", "GET", re.compile("/files/.+"), receive)


def subtitles_of(text: str) -> list[dict[str, object]]:
    """A speech's subtitles as MiniMax writes them: one entry for each sentence, with times in ms."""
    found, begin = [], 0
    for sentence in re.findall(r"[^.!?]+[.!?]*\s*", text):
        end = begin + len(sentence)
        times = {"time_begin": begin * 1000 / CHARACTERS_A_SECOND, "time_end": end * 1000 / CHARACTERS_A_SECOND}
        found.append({"text": sentence.strip(), **times, "text_begin": begin, "text_end": end})
        begin = end
    return found


def _file_answer(backend: Backend, file: LinkedFile, fault: Fault | None) -> Answer:
    if fault is not None and fault.kind is FaultKind.LINK_EXPIRED:
        backend.links.expire(file)
        return expired_answer()
    if file.is_subtitles:
        return json_answer(200, subtitles_of(file.song.prompt))
    answer = Answer(200, content_type=file.song.content_type)
    if not file.genuine or (fault is not None and fault.kind is FaultKind.NOT_AUDIO):
        return replace(answer, body=NOT_AUDIO)
    return replace(answer, body=backend.recordings.of(file.song).content)
