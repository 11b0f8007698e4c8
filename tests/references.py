"""Models that sing after a recording, jobs that name one, and a dialect that takes uploads."""

import hashlib
import json
from collections.abc import Callable
from typing import Any, Final

from fermata.adapters.providers import load_provider
from fermata.domain.catalogue.models import Catalogue, Model, ReferenceRule, read_catalogue
from fermata.domain.jobs.job import Job
from fermata.domain.orders.candidates import Candidate
from fermata.domain.orders.references import PreparedReference, ProviderIds, copy_key
from fermata.domain.providers.calls import (
    OrderedReference,
    Provider,
    Refused,
    SongOrder,
    UploadCall,
    UploadedReference,
    UploadOutcome,
    UpstreamAnswer,
    UpstreamCall,
)
from fermata.domain.providers.failures import Failure, FailureClass, ProviderCharged
from tests.songs import JOB_ID, candidate, queued_job, song_request

AUDIO_URL: Final = "https://files.example.com/song.mp3?Signature=canary%2Bof-the-caller"
REFERENCE_ID: Final = "ref_01JD0ABCDEFGHJKMNPQRSTVWXY"
OWN_COPY: Final = f"references/acme/{JOB_ID}.{'ab' * 32}"

LINK_RULE: Final = ReferenceRule(
    required=True,
    longer_than_s=15,
    max_s=600,
    max_bytes=5000,
    formats=("mp3", "wav"),
    handed_over="link",
    purposes=(),
)
IDS_RULE: Final = LINK_RULE.model_copy(
    update={
        "required": False,
        "longer_than_s": 10,
        "handed_over": "ids",
        "purposes": ("song", "voice", "instrumental"),
    }
)

LINKED, REGISTERED, SILENT = "house/linked", "house/registered", "minimax/music-2.5"
"""Models that are handed a recording as a link, that give out ids for it, and that take none."""


def _model(model_id: str, rule: ReferenceRule) -> Model:
    like = next(model for model in read_catalogue().models if model.id == SILENT)
    return like.model_copy(update={"id": model_id, "provider": "aimlapi", "dialect": "minimax", "reference": rule})


def catalogue(link: ReferenceRule = LINK_RULE, ids: ReferenceRule = IDS_RULE) -> Catalogue:
    """The shipped catalogue and two models of this house."""
    shipped = read_catalogue()
    models = (*shipped.models, _model(LINKED, link), _model(REGISTERED, ids))
    return shipped.model_copy(update={"models": models})


def sings_after(model: str, rule: ReferenceRule, provider: str = "aimlapi") -> Candidate:
    """A model of a job's chain, with its rule for the job's reference."""
    return candidate(provider).model_copy(update={"model": model, "dialect": "minimax", "reference": rule})


LINKED_CANDIDATE: Final = sings_after(LINKED, LINK_RULE)
REGISTERED_CANDIDATE: Final = sings_after(REGISTERED, IDS_RULE)


def job_with(reference: dict[str, object] | None = None, *chain: Candidate, **changes: Any) -> Job:  # noqa: ANN401 - any field
    """A queued job that names a reference."""
    candidates = chain or (LINKED_CANDIDATE,)
    request = song_request(model=candidates[0].model, reference=reference or {"audio_url": AUDIO_URL})
    return queued_job(request=request, candidates=candidates, **changes)


def copy_of(audio: bytes, job_id: str = JOB_ID) -> str:
    """The key of a job's copy of these bytes."""
    return copy_key("acme", job_id, hashlib.sha256(audio).hexdigest())


def prepared(*ids: ProviderIds, **changes: object) -> PreparedReference:
    """A recording of 25 s that was stored and measured."""
    reference = PreparedReference(
        object_key=OWN_COPY,
        content_type="audio/mpeg",
        extension="mp3",
        bytes=3000,
        duration_ms=25_000,
        sha256="ab" * 32,
        ids=ids,
    )
    return reference.model_copy(update=changes)


def known_as(voice_id: str = "vocal-1", instrumental_id: str = "instrumental-1", alias: str = "default") -> ProviderIds:
    return ProviderIds(provider="aimlapi", key_alias=alias, voice_id=voice_id, instrumental_id=instrumental_id)


class ScriptedTaker:
    """Takes uploads; its answers are the ids, or a failure's class with who charged."""

    def upload_call(self, purpose: str, file_name: str, content_type: str) -> UploadCall:
        return UploadCall("/upload", {"purpose": purpose}, "file", file_name, content_type)

    def read_upload(self, answer: UpstreamAnswer) -> UploadOutcome:
        document: Any = answer.document
        if "failure" in document:
            return Refused(
                Failure(
                    failure_class=FailureClass(document["failure"]),
                    provider_charged=ProviderCharged.UNKNOWN,
                    message="the upload was refused",
                    code="4711",
                )
            )
        return UploadedReference(**document)


class ListeningProvider:
    """A dialect that remembers what it was asked to order."""

    def __init__(self, spoken: Provider) -> None:
        self.orders: list[SongOrder] = []
        self._spoken = spoken
        self.blocking = spoken.blocking
        self.read_start = spoken.read_start
        self.poll_call = spoken.poll_call
        self.read_poll = spoken.read_poll

    def start_call(self, order: SongOrder) -> UpstreamCall:
        self.orders.append(order)
        return self._spoken.start_call(order)

    @property
    def references(self) -> list[OrderedReference | None]:
        return [order.reference for order in self.orders]


def listening() -> tuple[ListeningProvider, Callable[[str], Provider]]:
    """A provider that listens, and the way in which a world finds it whatever the dialect."""
    provider = ListeningProvider(load_provider("minimax"))
    return provider, lambda _dialect: provider


def body(model: str = LINKED, **fields: object) -> bytes:
    """A valid request for a model that sings after a recording."""
    whole = {"model": model, "prompt": "after a recording", "lyrics": "[Verse]\nla", **fields}
    return json.dumps(whole).encode()
