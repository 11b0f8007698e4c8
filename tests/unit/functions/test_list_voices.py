"""GET /v1/voices over HTTP."""

import json
from typing import Any

from tests.fakes.providers.upstream import FakeUpstream
from tests.fakes.providers.voice_store import ASKED, InMemoryVoiceStore
from tests.fakes.world import World
from tests.functions import FakeContext, http_event, wired_app
from tests.songs import json_answer
from tests.speech import HD


def call(world: World, **query: str) -> tuple[int, Any]:
    event = http_event("GET", "/v1/voices")
    event["queryStringParameters"] = query
    event["rawQueryString"] = "&".join(f"{name}={value}" for name, value in query.items())
    answer = wired_app("list_voices", world).lambda_handler(event, FakeContext())
    return answer["statusCode"], json.loads(answer["body"])


def test_a_voice_has_every_field_and_null_for_what_is_unknown() -> None:
    named = {"system_voice": [{"voice_id": "Brand_New"}], "base_resp": {"status_code": 0}}
    status, body = call(World(upstream=FakeUpstream(json_answer(named))), model=HD)
    unknown = {"name": None, "language": None, "gender": None, "preview_url": None}
    assert (status, body["next_cursor"]) == (200, None)
    assert body["data"][-1] == {"id": "Brand_New", **unknown}
    assert body["data"][0] == {
        "id": "English_expressive_narrator",
        "name": "Expressive Narrator",
        "language": "en",
        "gender": "male",
        "preview_url": None,
    }


def test_model_and_language_narrow_the_list() -> None:
    world = World(voices=InMemoryVoiceStore(minimax=ASKED))
    assert {each["language"] for each in call(world, language="fr")[1]["data"]} == {"fr"}
    status, problem = call(world, model="minimax/music-2.5")
    assert (status, problem["errors"][0]["pointer"]) == (422, "/model")
    status, problem = call(world, voice="x")
    assert (status, problem["errors"][0]["pointer"]) == (422, "/voice")
