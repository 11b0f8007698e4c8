"""Fermata's own dialects and client against the simulated AIML API and MiniMax: what one sends the other takes."""

from pathlib import Path

import miniaudio
import pytest

from fermata.adapters.http.upstream import HttpUpstream
from fermata.adapters.providers import load_provider, load_reference_taker
from fermata.domain.catalogue.models import Model, read_catalogue
from fermata.domain.orders.order_request import DEFAULT_BITRATES, DEFAULT_SAMPLE_RATES
from fermata.domain.providers.calls import (
    AudioAt,
    AudioInAnswer,
    OrderedReference,
    Refused,
    SongOrder,
    StartOutcome,
    TaskStarted,
    UploadedReference,
    UploadOutcome,
)
from fermata.use_cases.generation.follow.parse_answer import read_answer
from tests.integration.simulators.online import KEY, Provider
from tests.songs import wav_file

WORDS = "[Verse]\nRain on glass\n\nStay a while"
MODELS = [model for model in read_catalogue().models if model.provider == "aimlapi" and model.kind == "song"]
ALONE = [model for model in MODELS if model.reference is None]


def order(model: Model, reference: OrderedReference | None = None) -> SongOrder:
    return SongOrder(
        upstream_model=model.upstream_model,
        prompt="indie folk, rainy evening" if model.prompt.is_taken else "",
        lyrics=WORDS if model.lyrics.is_taken else "",
        instrumental=False,
        auto_lyrics=False,
        audio_format=model.formats[0],
        sample_rate=DEFAULT_SAMPLE_RATES[model.kind],
        bitrate=DEFAULT_BITRATES[model.kind],
        delivery=model.delivery[model.formats[0]],
        reference=reference,
    )


def found(model_id: str) -> Model:
    model = read_catalogue().find(model_id)
    assert model is not None
    return model


def client_of(provider: Provider) -> HttpUpstream:
    return HttpUpstream(lambda _: provider.url, connect_timeout_s=5, read_gap_s=5)


def start(provider: Provider, model: Model, reference: OrderedReference | None = None) -> StartOutcome:
    dialect = load_provider(model.spoken)
    call = dialect.start_call(order(model, reference))
    with client_of(provider).send(model.provider, call, KEY, within_s=20) as answer:
        return dialect.read_start(read_answer(answer))


def song_of(provider: Provider, outcome: StartOutcome) -> bytes:
    """The file of a task that needs no time."""
    assert isinstance(outcome, TaskStarted)
    dialect = load_provider("aimlapi")
    with client_of(provider).send("aimlapi", dialect.poll_call(outcome.task_id), KEY, within_s=20) as answer:
        finished = dialect.read_poll(read_answer(answer))
    assert isinstance(finished, AudioAt)
    return provider.client.get(finished.url).raise_for_status().content


@pytest.mark.parametrize("model", ALONE, ids=lambda model: model.id)
def test_a_task_of_every_model_ends_as_a_song_of_the_wanted_kind(aimlapi: Provider, model: Model) -> None:
    song = song_of(aimlapi, start(aimlapi, model))
    assert song.startswith(b"RIFF") is (model.formats[0] == "wav")
    assert miniaudio.decode(song).duration > 3
    units = miniaudio.decode(song).duration / 60 if model.unit == "minute" else 1
    assert aimlapi.bill["usd"] == pytest.approx(units * float(model.cost_usd), rel=0.02)


def link_of_seconds(provider: Provider, seconds: int) -> str:
    """A signed link to a recording of about this length."""
    lines = "\n".join(f"this is line {number}" for number in range(seconds - 4))
    return str(provider.order(lyrics=lines, output_format="url").json()["data"]["audio"])


@pytest.mark.parametrize(("seconds", "taken"), [(17, True), (12, False)])
def test_the_legacy_model_fetches_the_recording_behind_a_signed_link(
    aimlapi: Provider, minimax: Provider, seconds: int, taken: bool
) -> None:
    link = link_of_seconds(minimax, seconds)
    assert "%2F" in link
    outcome = start(aimlapi, found("aimlapi/minimax-music"), OrderedReference(url=link))
    if taken:
        assert miniaudio.decode(song_of(aimlapi, outcome)).duration > 3
    else:
        assert isinstance(outcome, Refused)
        assert "expected more than 15 s" in outcome.failure.message
    assert (aimlapi.bill["posts"], aimlapi.bill["charged"]) == (1, int(taken))


@pytest.mark.parametrize(("seconds", "taken"), [(8, True), (5, False)])
def test_a_cover_is_made_after_the_recording_behind_a_signed_link(minimax: Provider, seconds: int, taken: bool) -> None:
    link = link_of_seconds(minimax, seconds)
    outcome = start(minimax, found("minimax/music-cover"), OrderedReference(url=link))
    assert isinstance(outcome, AudioInAnswer if taken else Refused)


def upload(provider: Provider, purpose: str, file: Path) -> UploadOutcome:
    taker = load_reference_taker("aimlapi_music01")
    call = taker.upload_call(purpose, "reference.wav", "audio/wav")
    with client_of(provider).upload("aimlapi", call, file, KEY, within_s=60) as answer:
        return taker.read_upload(read_answer(answer))


@pytest.mark.parametrize("purpose", ["song", "voice", "instrumental"])
def test_music_01_makes_a_song_from_an_uploaded_recording(aimlapi: Provider, tmp_path: Path, purpose: str) -> None:
    file = tmp_path / "recording.wav"
    file.write_bytes(wav_file(10.5))
    uploaded = upload(aimlapi, purpose, file)
    assert isinstance(uploaded, UploadedReference)
    assert bool(uploaded.voice_id) is (purpose != "instrumental")
    assert bool(uploaded.instrumental_id) is (purpose != "voice")
    model = found("aimlapi/music-01")
    reference = OrderedReference(voice_id=uploaded.voice_id, instrumental_id=uploaded.instrumental_id)
    assert isinstance(start(aimlapi, model, reference), AudioInAnswer)
    assert (aimlapi.bill["posts"], aimlapi.bill["usd"]) == (1, float(model.cost_usd))


def test_the_longest_recording_can_be_uploaded(aimlapi: Provider, tmp_path: Path) -> None:
    file = tmp_path / "recording.wav"
    file.write_bytes(wav_file(600))
    assert file.stat().st_size > 105_000_000
    assert isinstance(upload(aimlapi, "song", file), UploadedReference)


@pytest.mark.parametrize(
    ("recording", "words"),
    [(wav_file(10), "found 10.0 s"), (bytes(5000), "expected wav or mp3")],
    ids=["short", "no audio"],
)
def test_a_recording_that_the_provider_refuses_is_an_invalid_request_and_free(
    aimlapi: Provider, tmp_path: Path, recording: bytes, words: str
) -> None:
    file = tmp_path / "recording.wav"
    file.write_bytes(recording)
    outcome = upload(aimlapi, "song", file)
    assert isinstance(outcome, Refused)
    failure = outcome.failure
    assert (failure.failure_class.value, failure.provider_charged.value) == ("invalid_request", "no")
    assert words in failure.message
    assert aimlapi.bill["posts"] == 0


def test_an_id_that_was_never_given_out_is_an_invalid_request(aimlapi: Provider) -> None:
    outcome = start(aimlapi, found("aimlapi/music-01"), OrderedReference(voice_id="vocal-of-somebody-else"))
    assert isinstance(outcome, Refused)
    assert outcome.failure.failure_class.value == "invalid_request"
