"""What is asked again, when, and how often: one place decides, and a purchase of keys is never repeated blindly."""

import httpx
import pytest

from fermata_client import Retries, errors
from tests.fakes.client.fake_fermata import (
    API_KEY,
    FakeFermata,
    Serve,
    few_retries,
    lose,
    problem,
    say,
    say_html,
    unreachable,
)

ACCOUNT = say(200, {"data": [], "next_cursor": None})


def _asked(fermata: FakeFermata) -> int:
    list(fermata.sync(retries=few_retries()).models())
    return len(fermata.requests)


@pytest.mark.parametrize(
    "cue",
    [
        *(lose, unreachable, say(500, {"message": "Internal Server Error"}), problem(503, "unavailable")),
        *(say_html(429), say_html(502), say_html(503), say_html(504), problem(429, "rate_limited")),
    ],
)
def test_a_moments_trouble_is_asked_again(cue: object) -> None:
    fermata = FakeFermata()
    fermata.cues.extend([cue, ACCOUNT])  # type: ignore[list-item]

    assert _asked(fermata) == 2
    assert fermata.pauses == [1]


def test_pauses_double_up_to_the_longest_and_then_the_call_ends() -> None:
    fermata = FakeFermata()
    fermata.cues.extend([unreachable] * 10)

    with pytest.raises(errors.NetworkError, match="connection refused"):
        list(fermata.sync(retries=Retries(attempts=6, first_pause_s=1, longest_pause_s=5)).models())

    assert fermata.pauses == [1, 2, 4, 5, 5]


@pytest.mark.parametrize(("chance", "pause_s"), [(0.0, 4.0), (0.5, 3.0), (1.0, 2.0)])
def test_chance_shortens_a_pause_by_up_to_a_half(chance: float, pause_s: float) -> None:
    assert Retries(first_pause_s=1).pause_s(3, None, lambda: chance) == pause_s


@pytest.mark.parametrize(("status", "code"), [(429, "rate_limited"), (503, "unavailable")])
def test_retry_after_is_honoured(status: int, code: str) -> None:
    fermata = FakeFermata()
    fermata.cues.extend([problem(status, code, {"Retry-After": "7"}), ACCOUNT])

    assert _asked(fermata) == 2
    assert fermata.pauses == [7]


def test_chance_lengthens_a_retry_after_and_never_shortens_it() -> None:
    assert Retries(first_pause_s=1).pause_s(1, 7, lambda: 0.5) == 7.5


def test_a_retry_after_may_be_a_date_by_fermatas_clock() -> None:
    fermata = FakeFermata(clock_off_s=9_000)
    fermata.cues.extend([problem(503, "unavailable", {"Retry-After": "Sat, 21 Nov 2026 12:00:09 GMT"}), ACCOUNT])

    assert _asked(fermata) == 2
    assert fermata.pauses == [9]


@pytest.mark.parametrize("odd", ["soon", "-5", "1e9", "²", ""])
def test_an_odd_retry_after_is_none(odd: str) -> None:
    fermata = FakeFermata()
    odd_headers = httpx.Headers([(b"Retry-After", odd.encode("latin-1"))])
    fermata.cues.extend([lambda _request, _serve: httpx.Response(503, json={"message": ""}, headers=odd_headers)])
    fermata.cues.append(ACCOUNT)

    assert _asked(fermata) == 2
    assert fermata.pauses == [1]


def test_a_long_retry_after_ends_the_call_and_stands_in_the_error() -> None:
    fermata = FakeFermata()
    fermata.cues.append(problem(429, "lost_songs_limit", {"Retry-After": "40000"}))

    with pytest.raises(errors.LimitError) as limit:
        list(fermata.sync().models())

    assert (limit.value.retry_after_s, limit.value.code) == (40_000, "lost_songs_limit")
    assert fermata.pauses == []


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 413, 422])
def test_a_refusal_is_not_asked_again(status: int) -> None:
    fermata = FakeFermata()
    fermata.cues.append(problem(status, "refused"))

    with pytest.raises(errors.RefusedError):
        list(fermata.sync().models())

    assert len(fermata.requests) == 1


@pytest.mark.parametrize("cue", [lose, problem(503, "unavailable"), say_html(502)])
def test_a_new_key_whose_answer_is_lost_is_not_made_twice(cue: object) -> None:
    fermata = FakeFermata()
    fermata.cues.append(cue)  # type: ignore[arg-type]

    with pytest.raises(errors.NoAnswerError):
        fermata.sync().keys.create(name="shop")

    assert fermata.paths() == ["POST /v1/keys"]


@pytest.mark.parametrize("cue", [unreachable, problem(429, "rate_limited", {"Retry-After": "3"})])
def test_a_new_key_is_asked_for_again_where_surely_none_was_made(cue: object) -> None:
    fermata = FakeFermata()
    made = {"id": "abcdefgh", "scopes": [], "created_at": "2026-11-21T12:00:00Z", "api_key": "fk_new"}
    fermata.cues.extend([cue, say(201, made)])  # type: ignore[list-item]

    key = fermata.sync().keys.create(name="shop", monthly_credits=600)

    assert key.api_key == "fk_new"
    assert "fk_new" not in repr(key)
    assert fermata.requests[-1].content == b'{"name": "shop", "monthly_credits": 600}'


def test_a_wrong_certificate_is_not_asked_again_and_names_the_clock() -> None:
    def untrusted(request: httpx.Request, _serve: Serve) -> httpx.Response:
        import ssl

        error = httpx.ConnectError("certificate is not yet valid", request=request)
        raise error from ssl.SSLCertVerificationError("certificate is not yet valid")

    fermata = FakeFermata()
    fermata.cues.append(untrusted)

    with pytest.raises(errors.NetworkError, match="this machine's clock is wrong"):
        list(fermata.sync().models())

    assert len(fermata.requests) == 1


def test_no_error_shows_the_key() -> None:
    fermata = FakeFermata()
    fermata.cues.extend([lose, lose, lose])
    client = fermata.sync(retries=few_retries())

    with pytest.raises(errors.NetworkError) as lost:
        list(client.models())

    shown = f"{lost.value!r} {lost.value.__cause__!r} {client!r} {client.subject!r} {client.keys!r}"
    assert API_KEY not in shown
