"""The client to await does what the one that blocks does, by the same flows."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from fermata_client import AsyncFermata, AsyncHandle, AsyncTrack, Fermata, Handle, Track, errors
from tests.fakes.client.fake_fermata import JOB_ID, SONG, FakeFermata, cut_after, few_retries, lose, say, unreachable


def _await(work: Callable[[], Awaitable[Any]]) -> Any:  # noqa: ANN401 - whatever the work returns
    return anyio.run(work)


@pytest.mark.parametrize(("awaited", "blocking"), [(AsyncFermata, Fermata), (AsyncHandle, Handle), (AsyncTrack, Track)])
def test_both_clients_have_the_same_methods(awaited: type, blocking: type) -> None:
    def public(kind: type) -> set[str]:
        return {name.removeprefix("a") if name == "aclose" else name for name in dir(kind) if not name.startswith("_")}

    assert public(awaited) == public(blocking)


def test_a_run_orders_waits_and_saves(tmp_path: Path) -> None:
    fermata = FakeFermata()
    fermata.cues.append(lose)
    fermata.file_cues.append(cut_after(1_000))

    async def order() -> Path:
        async with fermata.awaited() as client:
            handle = await client.run("auto", prompt="a")
            assert (await handle.status()).status == "succeeded"
            return await handle.tracks[0].save(tmp_path / "song.mp3")

    assert _await(order).read_bytes() == SONG
    assert len(fermata.bought) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["song.mp3"]


def test_events_lists_and_pieces_are_iterated() -> None:
    fermata = FakeFermata()

    async def look() -> tuple[list[str], bytes, bytes, str, str]:
        client = fermata.awaited()
        handle = await client.submit("auto", prompt="a")
        states = [update.status async for update in handle.events()]
        track = handle.tracks[0]
        pieces = b"".join([piece async for piece in track.iterate()])
        fermata.cues.append(say(200, {"data": [], "next_cursor": None}))
        assert [model async for model in client.models()] == []
        return states, pieces, await track.read(), await track.url, await track.url

    states, pieces, whole, first, second = _await(look)
    assert states == ["queued", "generating", "succeeded"]
    assert pieces == whole == SONG
    assert first != second


def test_a_wait_that_is_over_has_the_id_of_the_job() -> None:
    fermata = FakeFermata(states=["generating"])

    async def order() -> None:
        await fermata.awaited().run("auto", prompt="a", timeout_s=5)

    with pytest.raises(errors.WaitTimeoutError) as over:
        _await(order)
    assert over.value.job_id == JOB_ID


def test_an_order_that_nobody_answers_names_its_key() -> None:
    fermata = FakeFermata()
    fermata.cues.extend([unreachable] * 3)

    async def order() -> None:
        await fermata.awaited(retries=few_retries()).submit("auto", prompt="a")

    with pytest.raises(errors.NetworkError) as lost:
        _await(order)
    assert lost.value.idempotency_key == "key-0"


def test_a_canceled_task_leaves_no_half_file(tmp_path: Path) -> None:
    fermata = FakeFermata()
    fermata.file_cues.append(cut_after(1_000))

    async def order() -> None:
        client = fermata.awaited()
        handle = await client.run("auto", prompt="a")
        with anyio.CancelScope() as scope:

            def cancel(_seconds: float) -> None:
                scope.cancel()

            fermata.pauses = _Calls(cancel)
            await handle.tracks[0].save(tmp_path / "song.mp3")
        assert scope.cancelled_caught

    _await(order)
    assert list(tmp_path.iterdir()) == []


class _Calls(list[float]):
    """A list that calls back when something is added."""

    def __init__(self, call: Callable[[float], None]) -> None:
        super().__init__()
        self._call = call

    def append(self, item: float) -> None:
        super().append(item)
        self._call(item)


def test_cancel_delete_quote_and_account_are_awaited() -> None:
    fermata = FakeFermata()

    async def look() -> str:
        client = fermata.awaited()
        handle = client.job(JOB_ID)
        job = await handle.cancel()
        fermata.cues.append(say(204))
        await handle.delete()
        return job.status

    assert _await(look) == "canceled"
    assert fermata.paths() == [f"POST /v1/jobs/{JOB_ID}/cancel", f"DELETE /v1/jobs/{JOB_ID}"]
