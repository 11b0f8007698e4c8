"""What the demo orders: one song for each way in which an upstream hands over its audio."""

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


@dataclass(frozen=True)
class Order:
    """A model, the format to ask it for, and how its upstream works."""

    model: str
    audio_format: str
    upstream_shape: str

    def request(self, prompt: str) -> dict[str, object]:
        """The body of `POST /v1/jobs`."""
        return {
            "model": self.model,
            "prompt": prompt,
            "lyrics": LYRICS,
            "audio": {"format": self.audio_format},
            "title": f"Demo {self.model.replace('/', ' ')}",
        }


ORDERS: Final = (
    Order("minimax/music-2.5", "mp3", "blocking, hex"),
    Order("minimax/music-2.6", "wav", "blocking, link"),
    Order("aimlapi/minimax/music-2.0", "mp3", "task, polled"),
)
