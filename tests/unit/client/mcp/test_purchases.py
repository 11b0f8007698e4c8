"""One quote buys once: across calls, lost answers, questions to the user, and restarts of the server."""

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import anyio
import httpx
import pytest

from fermata.domain.catalogue.models import Price
from fermata.domain.catalogue.operator_settings import OperatorSettings
from fermata_client.mcp.quotes import VALID_S
from tests.fakes.client.agent import MODES, Agent, Mode, User, session
from tests.fakes.client.fake_fermata import Serve, lose, unreachable
from tests.fakes.client.wired_fermata import WiredFermata
from tests.fakes.settings import AT_ONCE
from tests.fakes.world import World
from tests.songs import LYRICS, PROMPT

MODEL = "minimax/music-2.5"
ORDER: dict[str, object] = {"kind": "song", "model": MODEL, "prompt": PROMPT, "lyrics": LYRICS}
PRICE = 30


@pytest.fixture
def fermata() -> WiredFermata:
    return WiredFermata(World())


def _reprice(fermata: WiredFermata, now: int) -> None:
    prices = {MODEL: Price(price_credits=now)}
    fermata.world.operator = OperatorSettings(providers=AT_ONCE.providers, prices=prices)


def _live(
    fermata: WiredFermata,
    work: Callable[[Agent], Awaitable[Any]],
    max_credits: int = 1_000,
    mode: Mode = "auto",
    user: User | None = None,
) -> Any:  # noqa: ANN401 - whatever the work returns
    """One run of the server."""

    async def run() -> Any:  # noqa: ANN401 - whatever the work returns
        async with session(fermata.awaited, max_credits, mode, user) as agent:
            return await work(agent)

    return anyio.run(run)


async def _quote(agent: Agent, **changes: object) -> str:
    return str((await agent.call("quote", order={**ORDER, **changes}))["quote_id"])


async def _buy(agent: Agent, quote_id: str, **changes: object) -> str:
    answer = await agent.call("order_song", order={**ORDER, **changes}, quote_id=quote_id, confirm_credits=PRICE)
    return str(answer["job_id"])


def _jobs(fermata: WiredFermata) -> set[str]:
    return set(fermata.world.jobs.rows)


@pytest.mark.parametrize("mode", MODES)
def test_a_quote_buys_its_order_for_its_price(fermata: WiredFermata, mode: Mode) -> None:
    async def work(agent: Agent) -> None:
        quoted = await agent.call("quote", order=ORDER)
        assert (quoted["credits"], quoted["price_credits"], quoted["model"]) == (PRICE, PRICE, MODEL)
        assert _jobs(fermata) == set()
        bought = await agent.call("order_song", order=ORDER, quote_id=quoted["quote_id"], confirm_credits=PRICE)
        assert (bought["status"], bought["charged"], bought["price_credits"]) == ("queued", "held", PRICE)
        assert _jobs(fermata) == {bought["job_id"]}

    _live(fermata, work, mode=mode)
    (request,) = fermata.sent("POST /v1/jobs")
    assert json.loads(request.content)["max_credits"] == PRICE


@pytest.mark.parametrize("mode", MODES)
def test_the_same_quote_buys_once_and_a_second_song_needs_a_second_quote(fermata: WiredFermata, mode: Mode) -> None:
    async def work(agent: Agent) -> None:
        first = await _quote(agent)
        assert await _buy(agent, first) == await _buy(agent, first)
        second = await _quote(agent)
        assert second != first
        assert await _buy(agent, second) != await _buy(agent, first)

    _live(fermata, work, mode=mode)
    assert len(_jobs(fermata)) == 2


def test_two_calls_at_once_with_one_quote_buy_once(fermata: WiredFermata) -> None:
    async def work(agent: Agent) -> None:
        quote_id, bought = await _quote(agent), set()

        async def buy() -> None:
            bought.add(await _buy(agent, quote_id))

        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(buy)
        assert len(bought) == 1

    _live(fermata, work, max_credits=PRICE)
    assert len(_jobs(fermata)) == 1


def _lose_orders(fermata: WiredFermata, requests_before: int) -> None:
    """Lose the answer of every order in one call of the client."""

    def pass_on(request: httpx.Request, serve: Serve) -> httpx.Response:
        return serve(request)

    fermata.cues.extend([pass_on] * requests_before + [lose] * 2)


def test_an_agent_that_repeats_after_a_lost_answer_gets_the_song_that_was_bought(fermata: WiredFermata) -> None:
    async def work(agent: Agent) -> str:
        quote_id = await _quote(agent)
        _lose_orders(fermata, requests_before=1)
        said = await agent.refused("order_song", order=ORDER, quote_id=quote_id, confirm_credits=PRICE)
        assert "Call again with the same order and the same quote_id: it is bought once" in said
        return await _buy(agent, quote_id)

    job_id = _live(fermata, work, max_credits=PRICE)

    assert _jobs(fermata) == {job_id}
    assert len(fermata.sent("POST /v1/jobs")) == 3
    assert len({request.headers["Idempotency-Key"] for request in fermata.sent("POST /v1/jobs")}) == 1
    assert len({request.content for request in fermata.sent("POST /v1/jobs")}) == 1


@pytest.mark.parametrize("answer_was_lost", [True, False])
def test_after_a_restart_the_same_quote_finds_what_it_bought(fermata: WiredFermata, answer_was_lost: bool) -> None:
    async def before(agent: Agent) -> str:
        quote_id = await _quote(agent)
        if answer_was_lost:
            _lose_orders(fermata, requests_before=1)
            await agent.refused("order_song", order=ORDER, quote_id=quote_id, confirm_credits=PRICE)
        else:
            await _buy(agent, quote_id)
        return quote_id

    quote_id = _live(fermata, before)
    job_id = _live(fermata, lambda agent: _buy(agent, quote_id))

    assert _jobs(fermata) == {job_id}


def test_a_quote_from_before_a_restart_buys_once(fermata: WiredFermata) -> None:
    quote_id = _live(fermata, _quote)

    first = _live(fermata, lambda agent: _buy(agent, quote_id))
    second = _live(fermata, lambda agent: _buy(agent, quote_id))

    assert _jobs(fermata) == {first} == {second}


def test_what_a_session_before_bought_is_found_without_asking_the_user_again(fermata: WiredFermata) -> None:
    user = User()

    async def buy(agent: Agent, quote_id: str) -> str:
        return str((await agent.call("order_song", order=ORDER, quote_id=quote_id))["job_id"])

    quote_id = _live(fermata, _quote)
    first = _live(fermata, lambda agent: buy(agent, quote_id), user=user)
    second = _live(fermata, lambda agent: buy(agent, quote_id), user=user, max_credits=0)

    assert first == second
    assert len(user.asked) == 1


@pytest.mark.parametrize("now", [PRICE - 1, PRICE + 1])
def test_a_quote_whose_price_changed_is_refused_and_buys_nothing(fermata: WiredFermata, now: int) -> None:
    async def work(agent: Agent) -> None:
        quote_id = await _quote(agent)
        _reprice(fermata, now)
        said = await agent.refused("order_song", order=ORDER, quote_id=quote_id, confirm_credits=PRICE)
        assert f"the price changed since the quote: it said {PRICE} credits, the order now costs {now}" in said

    _live(fermata, work)
    assert _jobs(fermata) == set()
    assert fermata.sent("POST /v1/jobs") == []


def test_a_price_that_rises_between_the_look_and_the_order_buys_nothing(fermata: WiredFermata) -> None:
    def reprice(request: httpx.Request, serve: Serve) -> httpx.Response:
        _reprice(fermata, PRICE + 1)
        return serve(request)

    async def work(agent: Agent) -> dict[str, Any]:
        quote_id = await _quote(agent)
        fermata.cues.extend([lambda request, serve: serve(request), reprice])
        said = await agent.refused("order_song", order=ORDER, quote_id=quote_id, confirm_credits=PRICE)
        assert "the price changed since the quote" in said
        return await agent.call("account")

    assert _live(fermata, work)["session_used_credits"] == 0
    assert _jobs(fermata) == set()


@pytest.mark.parametrize("restart", [True, False])
def test_what_was_bought_before_the_price_changed_is_found(fermata: WiredFermata, restart: bool) -> None:
    async def lost(agent: Agent) -> str:
        quote_id = await _quote(agent)
        _lose_orders(fermata, requests_before=1)
        await agent.refused("order_song", order=ORDER, quote_id=quote_id, confirm_credits=PRICE)
        _reprice(fermata, PRICE + 5)
        return quote_id if restart else await _buy(agent, quote_id)

    found = _live(fermata, lost)
    job_id = _live(fermata, lambda agent: _buy(agent, found)) if restart else found

    assert _jobs(fermata) == {job_id}


def test_what_was_bought_of_a_model_that_is_gone_is_found_and_nothing_else(fermata: WiredFermata) -> None:
    async def before(agent: Agent) -> tuple[str, str, str]:
        bought, unused = await _quote(agent), await _quote(agent)
        return bought, unused, await _buy(agent, bought)

    async def after(agent: Agent) -> str:
        said = await agent.refused("order_song", order=ORDER, quote_id=unused, confirm_credits=PRICE)
        assert "/model" in said
        return await _buy(agent, bought)

    bought, unused, job_id = _live(fermata, before)
    models = tuple(model for model in fermata.world.catalogue.models if not model.id.startswith("minimax/music-"))
    fermata.world.catalogue = fermata.world.catalogue.model_copy(update={"models": models})

    assert _live(fermata, after) == job_id
    assert _jobs(fermata) == {job_id}


def test_a_quote_expires_before_fermata_forgets_its_key_and_still_finds_what_it_bought(fermata: WiredFermata) -> None:
    async def work(agent: Agent) -> None:
        bought, unused = await _quote(agent), await _quote(agent)
        job_id = await _buy(agent, bought)
        fermata.world.clock.pass_seconds(VALID_S)
        assert await _buy(agent, bought) == job_id
        said = await agent.refused("order_song", order=ORDER, quote_id=unused, confirm_credits=PRICE)
        assert "this quote is too old to buy, and it bought nothing" in said

    _live(fermata, work)
    assert timedelta(seconds=VALID_S) < timedelta(hours=24)
    assert len(_jobs(fermata)) == 1


def test_a_quote_of_another_order_is_refused(fermata: WiredFermata) -> None:
    async def work(agent: Agent) -> None:
        quote_id = await _quote(agent)
        for changes in ({"lyrics": f"{LYRICS} "}, {"model": "auto"}, {"title": "Rain"}):
            said = await agent.refused(
                "order_song", order={**ORDER, **changes}, quote_id=quote_id, confirm_credits=PRICE
            )
            assert "the order differs from the one that was quoted" in said

    _live(fermata, work)
    assert _jobs(fermata) == set()


def test_a_quote_of_another_key_is_refused(fermata: WiredFermata) -> None:
    async def work(agent: Agent, quote_id: str) -> None:
        said = await agent.refused("order_song", order=ORDER, quote_id=quote_id, confirm_credits=PRICE)
        assert "was altered" in said

    quote_id = _live(fermata, _quote)

    async def run() -> None:
        async with session(lambda: fermata.awaited(api_key="fk_bbbbbbbb_other")) as agent:
            await work(agent, quote_id)

    anyio.run(run)
    assert _jobs(fermata) == set()


def test_an_order_that_never_left_is_repeated(fermata: WiredFermata) -> None:
    async def work(agent: Agent) -> str:
        quote_id = await _quote(agent)
        fermata.cues.extend([lambda request, serve: serve(request), unreachable, unreachable])
        await agent.refused("order_song", order=ORDER, quote_id=quote_id, confirm_credits=PRICE)
        assert _jobs(fermata) == set()
        return await _buy(agent, quote_id)

    job_id = _live(fermata, work)

    assert _jobs(fermata) == {job_id}


def test_a_speech_is_quoted_and_bought_by_its_length(fermata: WiredFermata) -> None:
    order = {"kind": "speech", "model": "minimax/speech-2.8-turbo", "text": "Guten Abend.", "voice": "German_SweetLady"}

    async def work(agent: Agent) -> None:
        quoted = await agent.call("quote", order=order)
        bought = await agent.call(
            "order_speech", order=order, quote_id=quoted["quote_id"], confirm_credits=quoted["credits"]
        )
        assert bought["price_credits"] == quoted["price_credits"] > 0

    _live(fermata, work)
    assert len(_jobs(fermata)) == 1


def test_a_speech_is_no_song(fermata: WiredFermata) -> None:
    async def work(agent: Agent) -> None:
        quote_id = await _quote(agent)
        said = await agent.refused("order_speech", order={**ORDER, "text": "a"}, quote_id=quote_id)
        assert "Input should be 'speech'" in said
        said = await agent.refused("quote", order={"kind": "song", "prompt": "a", "stems": True})
        assert "Extra inputs are not permitted" in said

    _live(fermata, work)
    assert _jobs(fermata) == set()
