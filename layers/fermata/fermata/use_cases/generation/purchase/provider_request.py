"""The request to a provider: the song order, and a callback address if the model's provider sends callbacks."""

from dataclasses import dataclass
from datetime import timedelta

from fermata.domain.jobs.attempt import AwaitedCallback
from fermata.domain.orders.order_request import DEFAULT_BITRATES, DEFAULT_SAMPLE_RATES, SongRequest
from fermata.domain.providers.callbacks import callback_url, new_callback
from fermata.domain.providers.calls import OrderedReference, SongOrder, Speech
from fermata.errors import TransientError
from fermata.log import logger
from fermata.use_cases.generation.purchase.run import StartRun


@dataclass(frozen=True)
class OpenCallback:
    """The callback address of an order, and the record that the attempt keeps. The address itself is not stored."""

    url: str
    awaited: AwaitedCallback


def open_callback(run: StartRun) -> OpenCallback | None:
    """A callback for the attempt that is about to be claimed, recorded before the provider learns its address.

    None if the model's provider sends no callbacks or no address is available; the song is then polled for.
    """
    if not run.ordered.callbacks:
        return None
    ports, now = run.ports.callback, run.ports.clock()
    try:
        api_url = ports.api_url.read()
        expects_from = now + timedelta(seconds=ports.first_poll_s(run.ordered.model))
        token, callback = new_callback(run.job.id, run.request.attempt, now, ports.randomness(), expects_from)
        ports.callbacks.create(callback)
    except TransientError as error:
        logger.warning("no callback is requested; the song is polled for instead", extra={"reason": str(error)})
        return None
    return OpenCallback(
        callback_url(api_url, token), AwaitedCallback(sha256=callback.sha256, timeout_s=ports.timeout_s)
    )


def song_order(run: StartRun, callback_url: str) -> SongOrder:
    """The order for the run's model; an empty `callback_url` requests no callback."""
    request, ordered = run.job.request, run.ordered
    return SongOrder(
        upstream_model=ordered.upstream_model,
        prompt=request.prompt,
        lyrics=request.lyrics,
        instrumental=request.instrumental,
        auto_lyrics=request.auto_lyrics,
        audio_format=request.audio.format,
        sample_rate=request.audio.sample_rate or DEFAULT_SAMPLE_RATES[ordered.kind],
        bitrate=request.audio.bitrate or DEFAULT_BITRATES[ordered.kind],
        delivery=ordered.delivery,
        title=request.title or "",
        callback_url=callback_url,
        reference=_ordered_reference(run),
        live=ordered.live,
        duration_ms=(request.duration_s or 0) * 1000,
        speech=_speech(request) if ordered.kind == "speech" else None,
    )


def _speech(request: SongRequest) -> Speech:
    return Speech(
        text=request.text,
        voice=request.voice or "",
        speed=request.speed,
        language=request.language or "",
        emotion=request.emotion or "",
        subtitles=request.subtitles,
    )


def _ordered_reference(run: StartRun) -> OrderedReference | None:
    recording, ids = run.job.reference, run.ids
    if ids is not None:
        return OrderedReference(voice_id=ids.voice_id, instrumental_id=ids.instrumental_id)
    if run.ordered.reference is None or recording is None:
        return None
    return OrderedReference(url=run.ports.references.link(recording.object_key, run.ports.reference_link_s))
