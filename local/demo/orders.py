"""The demo's orders: one song for each way in which upstreams deliver audio, one from a fallback, and one sentence from
each provider that speaks.
"""

from dataclasses import dataclass
from typing import Final

DEFAULT_PROMPT: Final = "indie folk, rainy evening, soft piano"

LYRICS: Final = """[Verse]
The rain keeps time on the window frame
I hold the note and I hold your name
[Chorus]
Let it last, let it ring
Longer than a wait can be
[Outro]
Then a quiet morning"""


SENTENCE: Final = "Good evening. This sentence was ordered, paid, made and kept."
VOICE: Final = "English_Graceful_Lady"


@dataclass(frozen=True)
class Order:
    """A model, its audio format, and how its upstream works. No two orders have the same model.

    `refused_with` is the fault of the first provider's simulator, so that a fallback makes the song. An order
    `after_a_recording` has lyrics and an uploaded file instead of a prompt. One that `speaks` has a sentence.
    """

    model: str
    audio_format: str
    upstream_shape: str
    songs: int = 1
    fallbacks: tuple[str, ...] = ()
    refused_with: str | None = None
    after_a_recording: bool = False
    speaks: bool = False

    @property
    def provider(self) -> str:
        """The first provider of the order."""
        return self.model.partition("/")[0]

    def prompt(self, prompt: str) -> str:
        """The prompt of this order; that of a refused order is unique, so that its fault matches no other order."""
        return f"{prompt}, a second voice takes over" if self.refused_with else prompt

    def request(self, prompt: str, reference_id: str | None = None) -> dict[str, object]:
        """The body of `POST /v1/jobs`; `reference_id` names the uploaded recording, if there is one."""
        style = {"reference": {"id": reference_id}} if reference_id else {"prompt": self.prompt(prompt)}
        words = {"text": SENTENCE, "voice": VOICE} if self.speaks else {**style, "lyrics": LYRICS}
        return {
            "model": self.model,
            "fallbacks": list(self.fallbacks),
            **words,
            "audio": {"format": self.audio_format},
            "title": f"Demo {self.model.replace('/', ' ')}",
        }


ORDERS: Final = (
    Order("minimax/music-2.5", "mp3", "blocking, hex"),
    Order("minimax/music-2.6", "wav", "blocking, link"),
    Order("aimlapi/minimax/music-2.0", "mp3", "task, polled"),
    Order("skillboss/music-2.5", "mp3", "blocking, link"),
    Order("apiinone/suno", "mp3", "callback, two songs", songs=2),
    Order("aimlapi/music-01", "mp3", "upload, blocking, hex", after_a_recording=True),
    Order(
        "minimax/music-2.0",
        "mp3",
        "refused, fallback sings",
        fallbacks=("skillboss/music-2.5",),
        refused_with="code:1008",
    ),
    Order("skillboss/speech-2.8-hd", "mp3", "speech, link", speaks=True),
    Order("minimax/speech-2.8-hd", "mp3", "speech, hex", speaks=True),
    Order("aimlapi/minimax/speech-2.6-hd", "mp3", "speech, body", speaks=True),
)
