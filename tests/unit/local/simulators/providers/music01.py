"""What tests say to the simulated music-01."""

import json
from collections.abc import Iterator, Mapping

from local.simulators.http.exchange import Answer
from tests.songs import wav_file
from tests.unit.local.simulators.offline import Provider

UPLOAD = "/v2/generate/audio/minimax/upload"
GENERATE = "/v2/generate/audio/minimax/generate"
RECORDING = wav_file(10.5)
BOUNDARY = "a-boundary"


def parts(purpose: str | None, recording: bytes | None, **fields: str) -> Iterator[bytes]:
    told = {**({} if purpose is None else {"purpose": purpose}), **fields}
    for name, value in told.items():
        yield f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode()
    if recording is not None:
        head = 'Content-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n'
        yield head.encode() + recording


def upload(
    aimlapi: Provider, purpose: str | None = "song", recording: bytes | None = RECORDING, key: str = "", **fields: str
) -> Answer:
    mark = f"--{BOUNDARY}".encode()
    body = b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts(purpose, recording, **fields)) + mark + b"--\r\n"
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    sent = {"key": key} if key else {}
    return aimlapi.request("POST", UPLOAD, body, content_type=kind, **sent)


def ids(aimlapi: Provider, purpose: str = "song") -> dict[str, str]:
    """What an upload gave, under the names that a generate gives it."""
    given = json.loads(upload(aimlapi, purpose).body)
    return {f"refer_{name.removesuffix('_id')}": value for name, value in given.items() if name.endswith("_id")}


def generate(aimlapi: Provider, references: Mapping[str, object], **changes: object) -> Answer:
    whole = {"model": "music-01", "lyrics": "##Rain on glass\n\nStay##", **references, **changes}
    return aimlapi.request("POST", GENERATE, {name: value for name, value in whole.items() if value is not ...})
