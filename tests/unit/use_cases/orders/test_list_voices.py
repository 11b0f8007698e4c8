"""The voices that callers are shown: those that ship, and those that MiniMax names, asked at most hourly."""

import json
from datetime import timedelta
from typing import Any

import pytest

from fermata.adapters.providers import load_provider, load_voice_lister
from fermata.adapters.providers.speech.minimax_speech import MOST_VOICES
from fermata.domain.catalogue.voices import Voice, shipped_voices
from fermata.domain.money.wallet import Plan
from fermata.domain.tenants.plan_limits import PlanLimits
from fermata.errors import AnswerLostError, InvalidRequestError, NotSentError, TransientError
from fermata.use_cases.orders.list_voices import ASK_AGAIN_AFTER, KEPT_FOR, VoiceQuery, list_voices
from fermata.use_cases.orders.submit_job import quote_job, submit_job
from fermata.wiring.orders import submit_ports, voice_ports
from tests.fakes.clock import NOON
from tests.fakes.providers.upstream import FakeUpstream, ScriptedAnswer
from tests.fakes.world import World
from tests.fixtures.http_answers import answer_with
from tests.songs import json_answer, order
from tests.speech import AIML, BOSS, HD, MODELS, VOICE, speech_body

SHIPPED = [voice.id for voice in shipped_voices()["minimax"]]
OK = {"status_code": 0, "status_msg": "success"}
NAMED = [{"voice_id": VOICE, "voice_name": "another name"}, {"voice_id": "Brand_New", "voice_name": "Brand New"}]
LISTED = json_answer({"system_voice": NAMED, "base_resp": OK})
SECOND = json_answer({"system_voice": [{"voice_id": "Newer"}], "base_resp": OK})


def world_with(*script: ScriptedAnswer | Exception) -> World:
    return World(upstream=FakeUpstream(*script))  # type: ignore[arg-type]  # Exception stands for the tree's errors


def listed(query: VoiceQuery, tenant_id: str = "acme", minutes: float = 0) -> tuple[Voice, ...]:
    return list_voices(query, tenant_id, voice_ports(), NOON + timedelta(minutes=minutes))


def ids(model: str | None = HD, language: str | None = None, minutes: float = 0) -> list[str]:
    return [each.id for each in listed(VoiceQuery(model, language), minutes=minutes)]


@pytest.mark.parametrize("model", [None, *MODELS, "minimax/speech-9"])
def test_a_models_voices_are_those_that_ship_and_those_that_the_provider_names(model: str | None) -> None:
    world = world_with(LISTED)
    assert ids(model) == [*SHIPPED, "Brand_New"]
    (sent,) = world.upstream.sent
    assert (sent.call.method, sent.call.path, sent.call.body) == ("POST", "/v1/get_voice", {"voice_type": "system"})


def test_what_ships_about_a_voice_stays_and_what_is_unknown_is_none() -> None:
    world_with(LISTED)
    voices = {each.id: each for each in listed(VoiceQuery(HD))}
    assert voices[VOICE] == Voice(id=VOICE, name="Graceful Lady", language="en", gender="female")
    assert voices["Brand_New"] == Voice(id="Brand_New", name="Brand New")


def test_a_language_leaves_its_voices() -> None:
    world_with(LISTED)
    german = ids(language="de")
    assert set(german) == {"German_FriendlyMan", "German_SweetLady", "German_PlayfulMan"}
    assert ids(language="DE") == german
    assert ids(language="xx") == []


@pytest.mark.parametrize("model", ["minimax/music-2.5", "nobody/speech-1", ""])
def test_a_model_that_does_not_speak_is_refused_and_nobody_is_asked(model: str) -> None:
    world = world_with()
    with pytest.raises(InvalidRequestError) as refused:
        ids(model)
    assert [field.pointer for field in refused.value.fields] == ["/model"]
    assert world.upstream.sent == []


def test_the_provider_is_asked_once_an_hour() -> None:
    world = world_with(LISTED, SECOND)
    assert ids()[-1] == "Brand_New"
    assert ids(minutes=59.9)[-1] == "Brand_New"
    assert len(world.upstream.sent) == 1
    assert ids(minutes=KEPT_FOR.total_seconds() / 60)[-1] == "Newer"


def test_while_one_caller_asks_the_others_see_what_is_known() -> None:
    world = world_with(LISTED)
    seen: list[list[str]] = []
    world.upstream.while_sending = lambda: seen.append(ids())
    assert ids()[-1] == "Brand_New"
    assert seen == [SHIPPED]
    assert len(world.upstream.sent) == 1


@pytest.mark.parametrize(
    "trouble",
    [
        NotSentError("no connection"),
        AnswerLostError("cut"),
        ScriptedAnswer(b"<html></html>", 502, content_type="text/html"),
        json_answer({"base_resp": {"status_code": 1004, "status_msg": "login fail"}}),
        json_answer({"system_voice": "none", "base_resp": OK}),
        json_answer([]),
        ScriptedAnswer(b""),
    ],
)
def test_with_the_provider_down_the_list_that_ships_holds_and_it_is_asked_again_in_five_minutes(
    trouble: ScriptedAnswer | Exception,
) -> None:
    world = world_with(trouble, LISTED)
    assert ids() == SHIPPED
    assert ids(minutes=4.9) == SHIPPED
    assert len(world.upstream.sent) == 1
    assert ids(minutes=ASK_AGAIN_AFTER.total_seconds() / 60)[-1] == "Brand_New"


def test_a_failed_question_keeps_what_was_named_before() -> None:
    world_with(LISTED, AnswerLostError("cut"))
    ids()
    assert ids(minutes=61)[-1] == "Brand_New"


def test_without_a_key_of_the_provider_the_list_that_ships_holds() -> None:
    world = world_with()
    del world.keys.keys["minimax"]
    assert ids(BOSS) == SHIPPED
    assert world.upstream.sent == []


def test_with_the_table_down_the_list_that_ships_holds() -> None:
    world = world_with()
    world.voices.is_down = True
    assert ids() == SHIPPED


@pytest.mark.parametrize("model", [HD, BOSS, AIML])
def test_a_voice_that_was_shown_can_be_ordered_and_an_order_never_asks_the_provider(model: str) -> None:
    world = world_with(LISTED)
    body = order(speech_body(model, voice="Brand_New"))
    with pytest.raises(InvalidRequestError):
        submit_job(body, submit_ports(), NOON, bytes(10))
    assert (world.upstream.sent, len(world.jobs)) == ([], 0)
    ids()
    quote_job(body.body, "acme", submit_ports(), NOON)
    job = world.stored(submit_job(body, submit_ports(), NOON, bytes(10)).job_id)
    assert (job.request.voice, len(world.upstream.sent)) == ("Brand_New", 1)


def test_an_order_with_a_voice_that_ships_reads_no_list() -> None:
    world = world_with()
    world.voices.is_down = True
    submit_job(order(speech_body()), submit_ports(), NOON, bytes(10))
    assert world.voices.loads == 0


def test_an_order_with_another_voice_is_tried_again_while_the_table_is_down() -> None:
    world = world_with()
    world.voices.is_down = True
    with pytest.raises(TransientError):
        submit_job(order(speech_body(voice="Brand_New")), submit_ports(), NOON, bytes(10))
    assert len(world.jobs) == 0


@pytest.mark.parametrize(
    ("listed", "read"),
    [
        ([{"voice_id": "a", "voice_name": "A"}], {"a": "A"}),
        ([{"voice_id": "a"}, {"voice_id": "a", "voice_name": "A"}], {"a": "A"}),
        ([{"voice_id": "a", "voice_name": None}], {"a": ""}),
        ([{"voice_id": ""}, {"voice_id": None}, {}, 7, {"voice_id": "x" * 101}, {"voice_id": "a\nb"}], {}),
        ([{"voice_id": "a", "voice_name": "x" * 200}], {"a": "x" * 77 + "..."}),
        ([{"voice_id": str(number)} for number in range(2000)], {str(number): "" for number in range(MOST_VOICES)}),
    ],
)
def test_the_providers_list_is_read_with_bounds(listed: list[Any], read: dict[str, str]) -> None:
    lister = load_voice_lister("minimax_speech")
    assert lister is not None
    assert lister.read_voices(answer_with(json.dumps({"system_voice": listed}).encode())) == read


@pytest.mark.parametrize("dialect", ["minimax", "skillboss", "aimlapi_speech"])
def test_other_dialects_list_no_voices(dialect: str) -> None:
    assert load_provider(dialect) is not None
    assert load_voice_lister(dialect) is None


# ---- voices of one tenant


def allow(world: World, *voices: str, tenant_id: str = "acme") -> None:
    world.wallets.set_plan(tenant_id, Plan.PREPAID, None, PlanLimits(own_voices=voices))


@pytest.mark.parametrize("model", [None, HD, "minimax/speech-9"])
def test_a_tenant_sees_its_own_voices_behind_the_others_and_no_other_tenant_does(model: str | None) -> None:
    world = world_with(LISTED)
    allow(world, "acme_narrator", VOICE)
    assert ids(model) == [*SHIPPED, "Brand_New", "acme_narrator"]
    assert "acme_narrator" not in [each.id for each in listed(VoiceQuery(model), "other")]


@pytest.mark.parametrize("model", [BOSS, AIML])
def test_a_voice_of_an_account_at_one_provider_is_none_of_a_reseller(model: str) -> None:
    world = world_with(LISTED)
    allow(world, "acme_narrator")
    assert "acme_narrator" not in ids(model)
    with pytest.raises(InvalidRequestError):
        submit_job(order(speech_body(model, voice="acme_narrator")), submit_ports(), NOON, bytes(10))


def test_a_tenant_orders_its_own_voice_and_no_other_tenant_does() -> None:
    world = world_with()
    body = order(speech_body(voice="acme_narrator"))
    with pytest.raises(InvalidRequestError) as refused:
        submit_job(body, submit_ports(), NOON, bytes(10))
    assert [field.pointer for field in refused.value.fields] == ["/voice"]
    allow(world, "acme_narrator", tenant_id="other")
    with pytest.raises(InvalidRequestError):
        quote_job(body.body, "acme", submit_ports(), NOON)
    assert len(world.jobs) == 0
    allow(world, "acme_narrator")
    quote_job(body.body, "acme", submit_ports(), NOON)
    assert world.stored(submit_job(body, submit_ports(), NOON, bytes(10)).job_id).request.voice == "acme_narrator"


def test_with_the_wallets_down_a_tenants_own_voices_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    world = world_with(LISTED)
    allow(world, "acme_narrator")

    def fail(_tenant_id: str) -> None:
        raise TransientError("the table does not answer")

    monkeypatch.setattr(world.wallets, "find", fail)
    assert ids() == [*SHIPPED, "Brand_New"]
