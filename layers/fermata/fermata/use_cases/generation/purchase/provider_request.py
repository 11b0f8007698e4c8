"""What a provider is told to make."""

from fermata.domain.jobs.job import Job
from fermata.domain.orders.order_request import DEFAULT_BITRATE, DEFAULT_SAMPLE_RATE
from fermata.domain.providers.calls import OrderedReference, SongOrder
from fermata.ports.audio import ReferenceStore


def song_order(job: Job, callback_url: str, references: ReferenceStore, reference_link_s: int) -> SongOrder:
    """The order for the model whose turn it is; the provider may fetch a reference for `reference_link_s` seconds."""
    request = job.request
    return SongOrder(
        upstream_model=job.candidate.upstream_model,
        prompt=request.prompt,
        lyrics=request.lyrics,
        instrumental=request.instrumental,
        auto_lyrics=request.auto_lyrics,
        audio_format=request.audio.format,
        sample_rate=request.audio.sample_rate or DEFAULT_SAMPLE_RATE,
        bitrate=request.audio.bitrate or DEFAULT_BITRATE,
        delivery=job.candidate.delivery,
        title=request.title or "",
        callback_url=callback_url,
        reference=_ordered_reference(job, references, reference_link_s),
    )


def _ordered_reference(job: Job, references: ReferenceStore, link_s: int) -> OrderedReference | None:
    if job.candidate.reference is None or job.reference is None:
        return None
    if job.ids is not None:
        return OrderedReference(voice_id=job.ids.voice_id, instrumental_id=job.ids.instrumental_id)
    return OrderedReference(url=references.link(job.reference.object_key, link_s))
