"""MiniMax's covers: the recording that is sung anew, and the free route that reads it before lyrics are sent."""

import base64
import binascii
import re
from secrets import token_hex
from threading import Lock
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from local.simulators.faults import Fault
from local.simulators.http.exchange import Answer, RefusedError, Request
from local.simulators.providers.dialect import Backend, Route, Visit
from local.simulators.providers.minimax.answers import SUCCESS, coded_answer, invalid_params, traced_answer
from local.simulators.providers.minimax.request import BadParametersError
from local.simulators.providers.references import COVER, BadRecordingError, check_recording, is_on_this_machine
from local.simulators.refusals import first_wrong_field

PATH: Final = "/v1/music_cover_preprocess"
MODELS: Final = ("music-cover", "music-cover-free")


class PreprocessRequest(BaseModel):
    """The body of `POST /v1/music_cover_preprocess`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: str
    audio_url: str | None = None
    audio_base64: str | None = None


class Covers:
    """Checks recordings, and remembers the ids that it returned for them."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._lock = Lock()
        self._ids: set[str] = set()

    def routes(self) -> tuple[Route, ...]:
        """The free route."""
        return (Route("upload", "POST", re.compile(PATH), self._receive),)

    def forget(self) -> None:
        """Drop every id."""
        with self._lock:
            self._ids.clear()

    def check(self, audio_url: str | None, audio_base64: str | None, feature_id: str | None = None) -> None:
        """Raise `BadParametersError` where a recording violates MiniMax's rule, or where no earlier answer had the id.

        A link to another machine is accepted unchecked, because simulators make no external requests.
        """
        field = "audio_url" if audio_base64 is None else "audio_base64"
        try:
            if audio_url is not None and is_on_this_machine(audio_url):
                check_recording(self._backend.fetch(audio_url), COVER)
            if audio_base64 is not None:
                check_recording(_decoded(audio_base64), COVER)
        except BadRecordingError as error:
            raise BadParametersError(f"{field}: {error}") from error
        with self._lock:
            if feature_id is not None and feature_id not in self._ids:
                raise BadParametersError("cover_feature_id: expected the id of a recording that was read before")

    def _receive(self, request: Request) -> Visit:
        if request.bearer != self._backend.key:
            raise RefusedError(coded_answer(1004))
        try:
            order = PreprocessRequest.model_validate(request.json())
            if order.model not in MODELS:
                raise BadParametersError(f"model: expected {' or '.join(MODELS)}")
            if (order.audio_url is None) == (order.audio_base64 is None):
                raise BadParametersError("audio_url, audio_base64: expected one of them")
            self.check(order.audio_url, order.audio_base64)
        except ValidationError as error:
            raise RefusedError(invalid_params(first_wrong_field(error))) from error
        except BadParametersError as error:
            raise RefusedError(invalid_params(str(error))) from error
        except ValueError as error:
            raise RefusedError(invalid_params("body: expected JSON")) from error
        return Visit("", self._keep)

    def _keep(self, _fault: Fault | None) -> Answer:
        feature_id = token_hex(16)
        with self._lock:
            self._ids.add(feature_id)
        return traced_answer({"cover_feature_id": feature_id, "base_resp": SUCCESS})


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadRecordingError("expected base64") from None
