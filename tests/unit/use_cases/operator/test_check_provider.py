"""An operator learns whether a provider's keys work, for free and without seeing them."""

import json

import pytest

from fermata.adapters.key_checks import key_check
from fermata.domain.providers.calls import UpstreamCall
from fermata.errors import AnswerLostError, InvalidRequestError, NotSentError
from fermata.use_cases.operator.check_provider import CheckPorts, check_provider
from fermata.use_cases.operator.manage_tenants import manage_tenants
from fermata.wiring.operator import manage_ports
from tests.fakes.clock import NOON
from tests.fakes.providers.provider_keys import KEY, FixedProviderKeys
from tests.fakes.providers.upstream import FakeUpstream, ScriptedAnswer
from tests.fakes.settings import PROVIDERS
from tests.fakes.world import World
from tests.songs import json_answer

HTML = ScriptedAnswer(b"<html>", 401, "text/html")
NO_TASK = json_answer({"message": "not found", "statusCode": 404}, 404)


def coded(code: int, status: int = 200) -> ScriptedAnswer:
    return json_answer({"base_resp": {"status_code": code, "status_msg": f"about {KEY}"}}, status)


def checked(
    provider: str, *script: ScriptedAnswer | Exception, keys: dict[str, str] | None = None
) -> dict[str, object]:
    upstream = FakeUpstream(*script)  # type: ignore[arg-type]  # Exception stands for the tree's errors
    known = FixedProviderKeys({provider: {"default": KEY} if keys is None else keys})
    found = check_provider(provider, CheckPorts(upstream, known, key_check))
    assert KEY not in json.dumps(found)
    assert all(sent.call.path != "/v1/music_generation" for sent in upstream.sent)
    return dict(found)


@pytest.mark.parametrize(
    ("provider", "answer", "works"),
    [
        pytest.param("minimax", coded(0), True, id="minimax_lists_voices"),
        pytest.param("minimax", coded(1004), False, id="minimax_login_fails"),
        pytest.param("minimax", coded(2049, 401), False, id="minimax_invalid_key"),
        pytest.param("minimax", coded(1008), False, id="minimax_out_of_credit"),
        pytest.param("minimax", coded(2153, 410), False, id="minimax_closed_account"),
        pytest.param("minimax", json_answer({"message": "no"}, 401), False, id="minimax_401"),
        pytest.param("minimax", coded(1002), None, id="minimax_too_many_calls"),
        pytest.param("minimax", coded(2013), None, id="minimax_bad_call"),
        pytest.param("minimax", coded(0, 500), None, id="minimax_500"),
        pytest.param("minimax", json_answer({}), None, id="minimax_says_nothing"),
        pytest.param("minimax", json_answer({}, 404), None, id="minimax_404"),
        *(
            pytest.param(provider, answer, works, id=f"{provider}_{name}")
            for provider in ("aimlapi", "apiinone")
            for name, answer, works in [
                ("no_such_task", NO_TASK, True),
                ("code_404_in_200", json_answer({"code": 404, "message": "no task"}), True),
                ("some_task", json_answer({"status": "queued"}), True),
                ("401", json_answer({"message": "Unauthorized", "statusCode": 401}, 401), False),
                ("401_in_200", json_answer({"statusCode": 401}), False),
                ("403", json_answer({"message": "no credit"}, 403), False),
                ("429", json_answer({"message": "slow down"}, 429), None),
                ("500", json_answer({"message": "oh"}, 500), None),
                ("400", json_answer({"message": "bad id"}, 400), None),
                ("list", json_answer([]), None),
                ("page_404", ScriptedAnswer(b"<html>", 404, "text/html"), None),
                ("empty", ScriptedAnswer(b"", 200), None),
            ]
        ),
    ],
)
def test_an_answer_shows_whether_the_key_works(provider: str, answer: ScriptedAnswer, works: bool | None) -> None:
    found = checked(provider, answer)
    assert found["works"] is works
    assert [key["works"] for key in found["keys"]] == [works]  # type: ignore[attr-defined]


@pytest.mark.parametrize("error", [NotSentError("no connection"), AnswerLostError("cut")])
def test_a_provider_that_does_not_answer_leaves_it_open(error: Exception) -> None:
    found = checked("minimax", error)
    assert found["works"] is None
    assert "check the network" in json.dumps(found)


def test_a_gateways_page_with_401_is_a_refusal() -> None:
    assert checked("aimlapi", HTML)["works"] is False


def test_every_key_is_checked_with_itself() -> None:
    upstream = FakeUpstream(coded(0), coded(1004))
    keys = FixedProviderKeys({"minimax": {"2026-11": "new", "2026-10": "old"}})
    found = check_provider("minimax", CheckPorts(upstream, keys, key_check))
    assert [(sent.key, sent.call) for sent in upstream.sent] == [
        (key, UpstreamCall("POST", "/v1/get_voice", body={"voice_type": "system"})) for key in ("new", "old")
    ]
    told = [(each["key_alias"], each["works"]) for each in found["keys"]]  # type: ignore[union-attr, index, call-overload]
    assert told == [("2026-11", True), ("2026-10", False)]
    assert (found["works"], found["free_call"]) == (False, "POST /v1/get_voice")


def test_one_key_that_cannot_be_checked_leaves_the_whole_open() -> None:
    assert checked("minimax", coded(0), coded(1002), keys={"a": KEY, "b": KEY})["works"] is None


def test_a_provider_without_a_key_does_not_work() -> None:
    found = checked("minimax", keys={})
    assert (found["works"], found["keys"]) == (False, [])
    assert 'add "minimax"' in str(found["found"])


def test_a_provider_without_a_free_call_is_not_called_and_says_so() -> None:
    found = checked("skillboss")
    assert (found["works"], found["free_call"]) == (None, None)
    assert "documents no free call" in json.dumps(found["keys"])


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_operators_function_checks_every_provider(provider: str) -> None:
    world = World(upstream=FakeUpstream(*([] if provider == "skillboss" else [NO_TASK])))
    found = manage_tenants({"action": "check_provider", "provider": provider}, manage_ports(), NOON, bytes(25))
    assert found["provider"] == provider
    assert [(sent.provider, sent.key) for sent in world.upstream.sent] == [(provider, KEY)] * (provider != "skillboss")


@pytest.mark.parametrize(
    "command", [{"provider": "all"}, {"provider": "nobody"}, {}, {"provider": "minimax", "key": "x"}]
)
def test_a_check_of_something_else_is_refused(command: dict[str, str]) -> None:
    world = World()
    with pytest.raises(InvalidRequestError):
        manage_tenants({"action": "check_provider", **command}, manage_ports(), NOON, bytes(25))
    assert world.upstream.sent == []
