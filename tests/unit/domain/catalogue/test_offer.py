"""What a model takes and makes, and the request that it accepts as it stands."""

import json

import pytest

from fermata.domain.catalogue.models import Model, read_catalogue
from fermata.domain.catalogue.offer import example_of, inputs_of, outputs_of, voices_of
from fermata.domain.jobs.status import JobStatus
from fermata.use_cases.orders.submit_job import submit_job
from fermata.wiring.orders import submit_ports
from tests.fakes.clock import NOON
from tests.fakes.world import World
from tests.songs import order

MODELS = read_catalogue().models
LISTED = {model.id: model for model in MODELS}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)
def test_the_example_of_a_model_is_accepted_as_it_stands(model: Model) -> None:
    world = World()
    example = example_of(model)
    job = world.stored(submit_job(order(dict(example)), submit_ports(), NOON, bytes(10)).job_id)
    assert (job.status, job.candidate.model) == (JobStatus.QUEUED, example["model"])
    assert world.machine.started == [job.id]


@pytest.mark.parametrize("model", [each for each in MODELS if each.is_family], ids=lambda model: model.id)
def test_the_example_of_a_family_names_one_of_its_models(model: Model) -> None:
    named = str(example_of(model)["model"])
    assert named.startswith(model.id[:-1])
    assert not named.endswith("*")


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)
def test_an_example_says_only_what_the_model_lists_as_its_inputs(model: Model) -> None:
    assert set(example_of(model)) - {"model", "audio"} <= set(inputs_of(model))


@pytest.mark.parametrize(
    ("model_id", "inputs"),
    [
        ("minimax/music-1.5", ("prompt", "lyrics")),
        ("minimax/music-2.6", ("prompt", "lyrics", "instrumental", "auto_lyrics")),
        ("minimax/music-cover", ("prompt", "lyrics", "reference")),
        ("apiinone/suno", ("prompt", "lyrics", "instrumental", "auto_lyrics", "title")),
        ("aimlapi/music-01", ("lyrics", "reference")),
        ("aimlapi/elevenlabs/eleven_music", ("prompt", "duration_s")),
        ("minimax/speech-2.8-hd", ("text", "voice", "speed", "language", "emotion", "subtitles")),
        ("skillboss/speech-2.8-hd", ("text", "voice")),
    ],
)
def test_a_model_lists_the_fields_that_it_takes(model_id: str, inputs: tuple[str, ...]) -> None:
    assert inputs_of(LISTED[model_id]) == inputs


def test_a_model_lists_the_media_types_that_it_makes() -> None:
    assert outputs_of(LISTED["minimax/music-2.5"]) == ("audio/mpeg", "audio/wav")
    assert outputs_of(LISTED["aimlapi/google/lyria2"]) == ("audio/wav",)


def test_an_example_is_json() -> None:
    for model in MODELS:
        assert json.loads(json.dumps(example_of(model))) == example_of(model)


def test_hints_are_short_texts_that_no_model_repeats() -> None:
    for model in MODELS:
        assert len(set(model.hints)) == len(model.hints)
        assert all(0 < len(hint) <= 250 for hint in model.hints)
    assert "[Chorus]" in LISTED["skillboss/music-2.5"].hints[0]


def test_a_model_that_speaks_says_how_many_voices_it_has() -> None:
    assert (voices_of(LISTED["minimax/speech-2.8-hd"]) or 0) > 100
    assert voices_of(LISTED["minimax/music-2.5"]) is None
