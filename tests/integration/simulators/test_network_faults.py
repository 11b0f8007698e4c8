"""Every fault of the network as a real client meets it, on paid POSTs, polls and files."""

import time
from collections.abc import Callable

import httpx
import pytest

from tests.integration.simulators.online import Provider

PLACES = ["minimax create", "minimax file", "aimlapi create", "aimlapi poll", "aimlapi file"]


@pytest.fixture(params=PLACES)
def ask(
    request: pytest.FixtureRequest, start: Callable[..., Provider]
) -> tuple[Provider, str, Callable[[], httpx.Response]]:
    """A provider, a place of it, and the request that reaches that place (prepared before any fault)."""
    name, place = request.param.split()
    provider = start(name)
    if place == "create":
        return provider, place, provider.order
    if place == "poll":
        task = provider.order().json()["id"]
        return provider, place, lambda: provider.poll(task)
    link = provider.link()
    return provider, place, lambda: provider.client.get(link)


Ask = tuple[Provider, str, Callable[[], httpx.Response]]


def test_http_errors_arrive_and_pass(ask: Ask) -> None:
    provider, place, send = ask
    provider.fault("http:503", on=place)
    assert [send().status_code == 503 for _ in range(2)] == [True, False]


def test_html_arrives_under_200(ask: Ask) -> None:
    provider, place, send = ask
    provider.fault("html", on=place)
    answer = send()
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.text.startswith("<!DOCTYPE html>")


def test_an_empty_answer_has_no_body(ask: Ask) -> None:
    provider, place, send = ask
    provider.fault("empty", on=place)
    answer = send()
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "0")


def test_a_reset_is_a_reset_and_not_an_end(ask: Ask) -> None:
    provider, place, send = ask
    provider.fault("reset_before_body", on=place)
    with pytest.raises(httpx.ReadError) as caught:
        send()
    root: BaseException | None = caught.value
    while root is not None and not isinstance(root, ConnectionResetError):
        root = root.__cause__ or root.__context__
    assert isinstance(root, ConnectionResetError)


@pytest.mark.parametrize("percent", [0, 50])
def test_a_cut_answer_ends_before_its_declared_length(ask: Ask, percent: int) -> None:
    provider, place, send = ask
    whole = len(send().content)
    provider.fault(f"cut:{percent}", on=place)
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body") as caught:
        send()
    received, expected = _figures(str(caught.value))
    assert expected == pytest.approx(whole, abs=40)
    assert received == expected * percent // 100


def _figures(message: str) -> tuple[int, int]:
    """httpx writes `(received 5 bytes, expected 10)`."""
    words = message.replace(",", "").replace(")", "").split()
    return int(words[words.index("(received") + 1]), int(words[-1])


def test_a_hanging_answer_comes_late(ask: Ask) -> None:
    provider, place, send = ask
    provider.fault("hang:0.15", on=place)
    asked = time.monotonic()
    assert send().status_code < 300
    assert 0.15 <= time.monotonic() - asked < 20


def test_a_slow_answer_trickles(ask: Ask) -> None:
    provider, place, send = ask
    whole = len(send().content)
    provider.fault(f"slow:{whole * 8}", on=place)
    asked = time.monotonic()
    answer = send()
    assert len(answer.content) == pytest.approx(whole, abs=40)
    assert 0.1 <= time.monotonic() - asked < 20


def test_a_redirect_is_not_followed_by_the_simulator(ask: Ask) -> None:
    provider, place, send = ask
    provider.fault("redirect:http://127.0.0.1:1/private?x=%2F", on=place)
    answer = send()
    assert (answer.status_code, answer.headers["location"]) == (302, "http://127.0.0.1:1/private?x=%2F")


def test_slow_bytes_arrive_one_after_the_other(minimax: Provider) -> None:
    minimax.fault("slow:300000")
    arrivals = []
    request = minimax.client.build_request(
        "POST", minimax.url + minimax.path, json=minimax.body(), headers=minimax.authorization
    )
    answer = minimax.client.send(request, stream=True)
    for _ in answer.iter_raw():
        arrivals.append(time.monotonic())
        if len(arrivals) == 5:
            break
    answer.close()
    assert arrivals[-1] - arrivals[0] > 0.05


@pytest.mark.parametrize("fault", ["hang:600", "slow:1"])
def test_a_simulator_stops_at_once_under_endless_answers(start: Callable[..., Provider], fault: str) -> None:
    minimax = start("minimax")
    minimax.fault(fault)
    request = minimax.client.build_request(
        "POST", minimax.url + minimax.path, json=minimax.body(), headers=minimax.authorization
    )
    slow = fault.startswith("slow")
    # The head of a slow answer comes at once, as far as the machine lets it.
    request.extensions["timeout"] = {"connect": 30, "read": 30 if slow else 0.2, "write": 30, "pool": 30}
    if slow:
        minimax.client.send(request, stream=True)
    else:
        with pytest.raises(httpx.ReadTimeout):
            minimax.client.send(request)
    began = time.monotonic()
    minimax.running.stop()
    assert time.monotonic() - began < 20


def test_a_held_stream_sends_its_first_half_and_the_rest_once_it_is_released(minimax: Provider) -> None:
    whole = minimax.order(stream=True).content
    minimax.fault("stream_hold")
    with minimax.client.stream(
        "POST", minimax.url + minimax.path, json=minimax.body(stream=True), headers=minimax.authorization
    ) as answer:
        chunks = answer.iter_raw()
        half = b""
        while half.count(b"\n\n") < whole.count(b"\n\n") // 2:
            half += next(chunks)
        minimax.client.post(f"{minimax.url}/_sim/release").raise_for_status()
        rest = b"".join(chunks)
    assert len(half) + len(rest) == len(whole)
    assert half.count(b"\n\n") == whole.count(b"\n\n") // 2
