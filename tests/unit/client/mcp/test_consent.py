"""Nothing is bought unless the user agreed, or the agent repeats the price for them."""

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest

from tests.fakes.client.agent import MODES, Agent, Mode, User, session
from tests.fakes.client.fake_fermata import lose, problem
from tests.fakes.client.wired_fermata import WiredFermata
from tests.fakes.world import World
from tests.songs import LYRICS

ORDER: dict[str, object] = {"kind": "song", "model": "minimax/music-2.5", "prompt": "indie folk", "lyrics": LYRICS}
PRICE = 30


@pytest.fixture
def fermata() -> WiredFermata:
    return WiredFermata(World())


def _live(
    fermata: WiredFermata,
    work: Callable[[Agent], Awaitable[Any]],
    user: User | None = None,
    mode: Mode = "auto",
    max_credits: int = 1_000,
) -> Any:  # noqa: ANN401 - whatever the work returns
    async def run() -> Any:  # noqa: ANN401 - whatever the work returns
        async with session(fermata.awaited, max_credits, mode, user) as agent:
            return await work(agent)

    return anyio.run(run)


async def _quote(agent: Agent) -> str:
    return str((await agent.call("quote", order=ORDER))["quote_id"])


def _jobs(fermata: WiredFermata) -> int:
    return len(fermata.world.jobs.rows)


@pytest.mark.parametrize("mode", MODES)
def test_a_user_whose_host_can_ask_is_asked_with_the_price_before_anything_is_bought(
    fermata: WiredFermata, mode: Mode
) -> None:
    user = User()

    async def work(agent: Agent) -> None:
        await agent.call("order_song", order=ORDER, quote_id=await _quote(agent))

    _live(fermata, work, user, mode)
    assert user.asked == ["Buy a song (minimax/music-2.5) for at most 30 credits?: indie folk"]
    assert _jobs(fermata) == 1


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "user", [User("decline"), User("cancel"), User(content={"buy": False})], ids=["declines", "cancels", "says no"]
)
def test_a_user_who_does_not_agree_buys_nothing(fermata: WiredFermata, mode: Mode, user: User) -> None:
    async def work(agent: Agent) -> str:
        return await agent.refused("order_song", order=ORDER, quote_id=await _quote(agent), confirm_credits=PRICE)

    assert "the user did not agree to buy this. Nothing was ordered" in _live(fermata, work, user, mode)
    assert _jobs(fermata) == 0


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("content", [None, {}, {"buy": "maybe"}])
def test_a_form_that_is_not_filled_in_buys_nothing(
    fermata: WiredFermata, mode: Mode, content: dict[str, Any] | None
) -> None:
    async def work(agent: Agent) -> str:
        return await agent.refused("order_song", order=ORDER, quote_id=await _quote(agent))

    assert "elicitation" in _live(fermata, work, User(content=content), mode)
    assert _jobs(fermata) == 0


@pytest.mark.parametrize("mode", MODES)
def test_an_agent_whose_host_cannot_ask_has_to_repeat_the_price(fermata: WiredFermata, mode: Mode) -> None:
    async def work(agent: Agent) -> None:
        quote_id = await _quote(agent)
        said = await agent.refused("order_song", order=ORDER, quote_id=quote_id)
        assert "this host cannot ask its user" in said
        assert "confirm_credits=30" in said
        for wrong in (0, 29, 31):
            said = await agent.refused("order_song", order=ORDER, quote_id=quote_id, confirm_credits=wrong)
            assert f"confirm_credits is {wrong}, the quote says 30. Nothing was ordered" in said

    _live(fermata, work, mode=mode)
    assert _jobs(fermata) == 0


def test_a_wrong_price_is_refused_before_the_user_is_asked(fermata: WiredFermata) -> None:
    user = User()

    async def work(agent: Agent) -> str:
        return await agent.refused("order_song", order=ORDER, quote_id=await _quote(agent), confirm_credits=29)

    assert "confirm_credits is 29, the quote says 30" in _live(fermata, work, user)
    assert user.asked == []


@pytest.mark.parametrize("mode", MODES)
def test_a_user_who_agreed_is_not_asked_again_for_the_same_quote(fermata: WiredFermata, mode: Mode) -> None:
    user = User()

    async def work(agent: Agent) -> None:
        quote_id = await _quote(agent)
        looks = 1 if mode == "legacy" else 2
        fermata.cues.extend([lambda request, serve: serve(request)] * looks + [lose] * 2)
        assert "unknown whether" in await agent.refused("order_song", order=ORDER, quote_id=quote_id)
        await agent.call("order_song", order=ORDER, quote_id=quote_id)

    _live(fermata, work, user, mode)
    assert len(user.asked) == 1
    assert _jobs(fermata) == 1


@pytest.mark.parametrize("mode", MODES)
def test_beyond_the_limit_of_the_session_nobody_is_asked_and_nothing_is_bought(
    fermata: WiredFermata, mode: Mode
) -> None:
    user = User()

    async def work(agent: Agent) -> None:
        for _ in range(2):
            await agent.call("order_song", order=ORDER, quote_id=await _quote(agent))
        said = await agent.refused("order_song", order=ORDER, quote_id=await _quote(agent))
        assert (
            "the limit of this session is 80 credits, 60 of them are held or spent, and this order may cost 30" in said
        )

    _live(fermata, work, user, mode, max_credits=80)
    assert len(user.asked) == 2
    assert _jobs(fermata) == 2


def test_orders_at_once_stay_within_the_limit_together(fermata: WiredFermata) -> None:
    async def work(agent: Agent) -> list[bool]:
        quotes = [await _quote(agent) for _ in range(4)]
        refused: list[bool] = []

        async def buy(quote_id: str) -> None:
            arguments = {"order": ORDER, "quote_id": quote_id, "confirm_credits": PRICE}
            refused.append((await agent.client.call_tool("order_song", arguments)).is_error)

        async with anyio.create_task_group() as group:
            for quote_id in quotes:
                group.start_soon(buy, quote_id)
        return refused

    assert sorted(_live(fermata, work, max_credits=2 * PRICE)) == [False, False, True, True]
    assert _jobs(fermata) == 2


def test_a_server_without_a_limit_buys_nothing(fermata: WiredFermata) -> None:
    async def work(agent: Agent) -> str:
        return await agent.refused("order_song", order=ORDER, quote_id=await _quote(agent), confirm_credits=PRICE)

    assert "`fermata mcp --max-credits 30`" in _live(fermata, work, max_credits=0)
    assert _jobs(fermata) == 0


def test_an_order_that_fermata_refuses_leaves_the_limit_as_it_was(fermata: WiredFermata) -> None:
    async def work(agent: Agent) -> dict[str, Any]:
        quote_id = await _quote(agent)
        fermata.cues.extend([lambda request, serve: serve(request), problem(402, "out_of_credit")])
        said = await agent.refused("order_song", order=ORDER, quote_id=quote_id, confirm_credits=PRICE)
        assert "the detail of out_of_credit" in said
        return await agent.call("account")

    assert _live(fermata, work)["session_used_credits"] == 0
