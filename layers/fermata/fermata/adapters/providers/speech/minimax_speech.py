"""MiniMax's speech (T2A v2): one blocking call, whose answer is the body of its music, or the same stream of events."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Final

from pydantic import JsonValue

from fermata.adapters.providers.blocking import BlockingProvider
from fermata.adapters.providers.minimax import HTTP_STATUSES
from fermata.adapters.providers.minimax_body import SUCCESS, read_code, read_song
from fermata.adapters.providers.speech.body import speech_body
from fermata.domain.providers.answers import first_of, member, read_id, read_link, read_number, tidy
from fermata.domain.providers.calls import (
    AudioAt,
    AudioInAnswer,
    AudioInEvents,
    Metered,
    Provider,
    SongOrder,
    StartOutcome,
    UpstreamAnswer,
    UpstreamCall,
)

_NAME: Final = "MiniMax"
MOST_VOICES: Final = 1000
_LONGEST_ID: Final = 100
_LONGEST_NAME: Final = 80
LIST_VOICES: Final = UpstreamCall("POST", "/v1/get_voice", body={"voice_type": "system"})
"""The free list of the system's voices, without those that an account cloned."""


class MinimaxSpeechProvider(BlockingProvider):
    """MiniMax's dialect of `POST /v1/t2a_v2`."""

    def start_call(self, order: SongOrder) -> UpstreamCall:
        """The paid call."""
        body: dict[str, JsonValue] = {**speech_body(order), "stream": order.live}
        if order.live:
            # A stream has hex only, and its last event would repeat the whole file.
            body |= {"output_format": "hex", "stream_options": {"exclude_aggregated_audio": True}}
        else:
            body["output_format"] = order.delivery
        if order.spoken.subtitles:
            body["subtitle_enable"] = True
        return UpstreamCall("POST", "/v1/t2a_v2", body=body)

    def read_start(self, answer: UpstreamAnswer) -> StartOutcome:
        """The speech with its counted characters and subtitles, or the failure."""
        outcome = read_song(_NAME, answer, HTTP_STATUSES)
        if isinstance(outcome, AudioInEvents):
            return replace(outcome, metered=_counted(answer.stream.telling if answer.stream else None))
        if not isinstance(outcome, AudioAt | AudioInAnswer):
            return outcome
        data = member(answer.document, "data")
        subtitles = read_link(member(first_of(data), "subtitle_file"))
        return replace(outcome, metered=_counted(answer.document), subtitles=subtitles)

    def voices_call(self) -> UpstreamCall:
        """The free list of the system's voices, without those that an account cloned."""
        return LIST_VOICES

    def read_voices(self, answer: UpstreamAnswer) -> Mapping[str, str] | None:
        """The names of at most `MOST_VOICES` voices by their ids."""
        listed = member(answer.document, "system_voice")
        if read_code(answer) not in (None, SUCCESS) or not isinstance(listed, list):
            return None
        ids = ((read_id(member(each, "voice_id")), member(each, "voice_name")) for each in listed[:MOST_VOICES])
        usable = ((voice, name) for voice, name in ids if voice and len(voice) <= _LONGEST_ID)
        return {voice: tidy(name, _LONGEST_NAME) if isinstance(name, str) else "" for voice, name in usable}


PROVIDER: Final[Provider] = MinimaxSpeechProvider(_NAME)


def _counted(document: JsonValue) -> Metered | None:
    """The billed characters. None of them is no count, because a text has at least one."""
    characters = read_number(member(document, "extra_info", "usage_characters"))
    return Metered(Decimal(characters)) if characters is not None and characters > 0 else None
