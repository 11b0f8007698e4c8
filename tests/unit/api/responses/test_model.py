"""What callers see of each model: every limit that a request can break."""

from typing import Any

from fermata.api.responses.model import ModelList
from fermata.domain.catalogue.models import read_catalogue
from fermata.domain.catalogue.view import model_views

MODELS: list[Any] = ModelList.of(model_views(read_catalogue(), {}, lambda _: False)).as_json()["data"]  # type: ignore[assignment]  # a JSON document
LISTED: dict[str, dict[str, Any]] = {model["id"]: model for model in MODELS}


def limits(model_id: str) -> dict[str, Any]:
    found: dict[str, Any] = LISTED[model_id]["limits"]
    return found


def test_a_model_says_how_long_its_texts_may_be_beside_each_other() -> None:
    suno = limits("apiinone/suno")
    assert suno["prompt"] == {"min": 1, "max": 400, "required": True}
    assert suno["prompt_beside_lyrics"] == {"min": 1, "max": 200, "required": False}
    assert suno["title"] == {"min": 1, "max": 80, "required": False}


def test_a_text_that_a_model_does_not_take_has_no_limits() -> None:
    assert limits("aimlapi/google/lyria2")["lyrics"] is None
    assert limits("aimlapi/music-01")["prompt"] is None
    assert limits("minimax/music-2.5")["title"] is None


def test_a_model_says_what_recording_it_takes() -> None:
    assert limits("minimax/music-2.5")["reference"] is None
    assert limits("aimlapi/music-01")["reference"] == {
        "required": True,
        "min_s": None,
        "longer_than_s": 10,
        "max_s": 600,
        "max_bytes": 110_000_000,
        "formats": ["mp3", "wav"],
        "purposes": ["song", "voice", "instrumental"],
    }
    cover = limits("minimax/music-cover")["reference"]
    assert (cover["min_s"], cover["longer_than_s"], cover["max_s"]) == (6, None, 360)
    assert cover["formats"] == ["mp3", "wav", "flac"]


def test_callers_do_not_see_how_a_provider_is_called() -> None:
    assert not {"dialect", "upstream_model", "cost_usd"} & LISTED["aimlapi/music-01"].keys()


def test_a_model_says_what_it_takes_and_makes_and_how_it_is_ordered() -> None:
    suno = LISTED["apiinone/suno"]
    assert suno["inputs"] == ["prompt", "lyrics", "instrumental", "auto_lyrics", "title"]
    assert (suno["outputs"], suno["callbacks"], suno["live"], suno["voices"]) == (["audio/mpeg"], True, False, None)
    assert suno["hints"] == ["Without lyrics, the prompt describes the song; with lyrics, it is the style."]
    assert suno["example"]["model"] == "apiinone/suno"
