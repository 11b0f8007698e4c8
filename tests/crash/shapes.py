"""The ways in which songs come, one order for each: every dialect, and the detours that a job can take."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from local.settings import PROJECT_ROOT

LYRICS: Final = "[Verse]\nRain on the window\n[Chorus]\nStay a while"
_SUNO: Final = {"model": "apiinone/suno", "prompt": "indie folk", "lyrics": LYRICS}


@dataclass(frozen=True)
class Fault:
    """What a provider's simulator does, once or `times` times."""

    provider: str
    name: str
    on: str
    times: int = 1


@dataclass(frozen=True)
class Shape:
    """One order. `faults` happen to it in any case; `repeats` says whether its caller sends an idempotency key and
    the order again after an error; `told_early` whether callbacks come before anybody waits for them. `rounds` is
    how often the song is sung in one answer; sixteen make an answer that is staged in several parts.
    """

    name: str
    fields: Mapping[str, Any]
    songs: int = 1
    faults: tuple[Fault, ...] = ()
    repeats: bool = True
    told_early: bool = False
    after_a_recording: bool = False
    rounds: int = 1
    listens: bool = False
    """Whether its caller names an address where the end is to be told."""
    attempts: int = 1
    """How many attempts it takes when nobody is killed."""
    settled_late: bool = False
    """Whether settling also dies as often as the machine tries it, in StoreAudio and then in SettleJob. What follows is
    the same for all shapes.
    """
    overtaken: bool = False
    """Whether a second run of each invocation also overtakes the first, at each moment."""
    rescued: bool = False
    """Whether the song comes so late that the job ends refunded without it, and is kept for a redelivery."""
    deleted: bool = False
    """Whether its caller deletes the job once it ended, and does not come again whatever the answer is."""
    functions: frozenset[str] = field(default_factory=frozenset)
    """Only these functions are killed, where others do what they do in another shape; all where empty."""


def _song(model: str, **more: object) -> dict[str, Any]:
    return {"model": model, "prompt": "indie folk", "lyrics": LYRICS, **more}


# Every other one takes about as long as those between.
SHAPES: Final = (
    Shape("hex in the answer", _song("minimax/music-2.5"), settled_late=True, overtaken=True),
    Shape("hex in a long answer", _song("minimax/music-2.5"), rounds=16, functions=frozenset({"StartGeneration"})),
    Shape("link in the answer", _song("minimax/music-2.6", audio={"format": "wav"})),
    Shape("upload, then hex", {"model": "aimlapi/music-01", "lyrics": LYRICS}, after_a_recording=True),
    Shape(
        "upload that is fetched",
        {"model": "aimlapi/minimax-music", "lyrics": LYRICS},
        after_a_recording=True,
        functions=frozenset({"PrepareReference", "StoreAudio"}),
    ),
    Shape("task", _song("aimlapi/minimax/music-2.0")),
    Shape("task, dead link", _song("apiinone/minimax-music"), faults=(Fault("apiinone", "link_expired", "file"),)),
    Shape("callbacks", _SUNO, songs=2),
    Shape(
        "task, busy link",
        _song("aimlapi/minimax/music-2.0"),
        faults=(Fault("aimlapi", "http:503", "file", 2), Fault("aimlapi", "http:401", "poll")),
        functions=frozenset({"PollGeneration", "StoreAudio"}),
    ),
    Shape(
        "task, rescued",
        _song("aimlapi/minimax/music-2.0"),
        faults=(Fault("aimlapi", "http:503", "file", 6),),
        rescued=True,
        overtaken=True,
        functions=frozenset({"ReapJobs", "RescueAudio"}),
    ),
    Shape(
        "refused, fallback sings",
        _song("minimax/music-2.5", fallbacks=["aimlapi/minimax/music-2.0"]),
        faults=(Fault("minimax", "code:1008", "create"),),
        attempts=2,
    ),
    Shape(
        "early callbacks", _SUNO, songs=2, told_early=True, functions=frozenset({"AwaitCallback", "ReceiveCallback"})
    ),
    Shape("reseller", _song("skillboss/music-2.5"), repeats=False),
    Shape(
        "hex, told by webhook",
        _song("minimax/music-2.5"),
        listens=True,
        settled_late=True,
        overtaken=True,
        functions=frozenset({"StoreAudio", "SettleJob", "DeliverWebhook"}),
    ),
    Shape(
        "stream, deleted",
        _song("minimax/music-2.5", live=True),
        deleted=True,
        functions=frozenset({"DeleteJob", "ReapJobs"}),
    ),
    Shape(
        "speech with subtitles",
        {
            "model": "minimax/speech-2.8-hd",
            "text": "A sentence that is spoken while functions die.",
            "voice": "English_Graceful_Lady",
            "subtitles": True,
        },
        functions=frozenset({"StartGeneration", "StoreAudio"}),
    ),
    Shape("busy, then hex", _song("minimax/music-2.5"), faults=(Fault("minimax", "code:1002", "create"),), attempts=2),
    Shape("stream", _song("minimax/music-2.5", live=True), functions=frozenset({"StartGeneration"})),
)


def fast_parameters() -> dict[str, str]:
    """The fast set, but with an hour to order a song and a day to rescue one, so that nobody comes too late. The
    authorizer is called once for each caller: the API's cache goes by the machine's own clock, and with a second of it
    the load would decide whether a repeated order is authorized again.
    """
    lines = (PROJECT_ROOT / "local" / "testing.params").read_text("utf-8").splitlines()
    fast = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {**fast, "StartBySeconds": "3600", "ResultLifeSeconds": "86400", "AuthorizerTtlSeconds": "3600"}
