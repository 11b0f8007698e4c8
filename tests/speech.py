"""Orders of speech and their providers' answers, with which tests begin."""

import json
from typing import Final

from fermata.domain.catalogue.models import read_catalogue
from fermata.domain.jobs.job import Job
from fermata.domain.orders.candidates import candidates_for
from fermata.domain.orders.order_request import SongRequest
from tests.fakes.providers.upstream import ScriptedAnswer
from tests.songs import hex_answer, json_answer, queued_job

TEXT: Final = "A canary in the text, spoken slowly."
VOICE: Final = "English_Graceful_Lady"
HD: Final = "minimax/speech-2.8-hd"
BOSS: Final = "skillboss/speech-2.8-hd"
AIML: Final = "aimlapi/minimax/speech-2.8-hd"
MODELS: Final = (HD, BOSS, AIML)
"""One speaking model of each provider."""
SUBTITLES: Final = "https://cdn.minimax.io/a%2Fb.titles?Signature=canary%2Bsigned&Expires=1"


def speech_body(model: str = HD, **changes: object) -> dict[str, object]:
    """A request body."""
    return {"model": model, "text": TEXT, "voice": VOICE, **changes}


def speech_job(model: str = HD, **changes: object) -> Job:
    """A queued order of speech, as the catalogue prices it."""
    request = SongRequest.model_validate(speech_body(model, **changes))
    catalogue = read_catalogue()
    found = catalogue.find(model)
    assert found is not None
    chain = candidates_for(request, found, catalogue, {}, None)
    return queued_job(request=request, candidates=chain)


def spoken_answer(audio: bytes, characters: int | None = None, subtitles: str | None = None) -> ScriptedAnswer:
    """MiniMax's answer with the speech in it as hex text."""
    info = {} if characters is None else {"extra_info": {"usage_characters": characters}}
    if subtitles is None:
        return hex_answer(audio, **info)
    return hex_answer(audio, **info, data={"audio": audio.hex(), "status": 2, "subtitle_file": subtitles})


def streamed_answer(audio: bytes, characters: int, parts: int = 4) -> ScriptedAnswer:
    """MiniMax's stream of the speech, whose last event has no audio."""
    step = -(-len(audio) // parts)
    events: list[dict[str, object]] = [
        {"data": {"audio": audio[start : start + step].hex(), "status": 1}, "extra_info": None}
        for start in range(0, len(audio), step)
    ]
    events.append({"data": {"audio": "", "status": 2}, "extra_info": {"usage_characters": characters}})
    body = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    return ScriptedAnswer(body, content_type="text/event-stream")


def linked_answer(link: str, usd: float, in_credits: float) -> ScriptedAnswer:
    """AIML API's answer with a link to the speech."""
    return json_answer({"audio": {"url": link}, "meta": {"usage": {"credits_used": in_credits, "usd_spent": usd}}})
