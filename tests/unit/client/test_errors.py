"""Every answer that is no success is an error by what the caller can do next."""

import json
from pathlib import Path

import httpx
import pytest

from fermata.domain.web.problem import PROBLEMS
from fermata_client import errors
from tests.fakes.client.fake_fermata import NOON, Cue, FakeFermata, few_retries, problem, say, say_html
from tests.functions import ROOT

GOLDEN: dict[str, dict[str, object]] = json.loads((ROOT / "tests/fixtures/answers.json").read_text("utf-8"))
ERRORS: dict[int, type[errors.FermataError]] = {
    400: errors.InvalidRequestError,
    402: errors.OutOfCreditError,
    403: errors.ScopeError,
    404: errors.NotFoundError,
    409: errors.ConflictError,
    413: errors.InvalidRequestError,
    422: errors.InvalidRequestError,
    429: errors.LimitError,
    503: errors.ServerError,
}


def _error(cue: Cue, **settings: object) -> errors.FermataError:
    fermata = FakeFermata(**settings)  # type: ignore[arg-type]
    fermata.cues.extend([cue] * 3)
    with pytest.raises(errors.FermataError) as raised:
        fermata.sync(retries=few_retries()).account()
    return raised.value


@pytest.mark.parametrize(("status", "slug"), [(int(status), slug) for status, slug, _ in PROBLEMS.values()])
def test_every_problem_of_the_api_is_the_error_of_its_kind(status: int, slug: str) -> None:
    error = _error(problem(status, slug))

    assert type(error) is ERRORS[status]
    assert error.request_id == "req-1"


@pytest.mark.parametrize("name", sorted(name for name in GOLDEN if name.startswith("problem_")))
def test_the_apis_own_problems_are_refusals_with_their_reason(name: str) -> None:
    golden = GOLDEN[name]
    body, status, headers = str(golden["body"]), golden["status"], golden["headers"]
    error = _error(lambda _request, _serve: httpx.Response(status, content=body, headers=headers))  # type: ignore[arg-type]

    told = json.loads(body)
    assert isinstance(error, errors.ServerError if status == 500 else errors.RefusedError)
    assert str(error).startswith(f"{told['title']}: ")
    assert error.request_id == told["request_id"]
    assert status == 500 or getattr(error, "code", None) == told["type"].rpartition(":")[2]


def test_wrong_fields_are_named_by_their_pointers() -> None:
    wrong = [{"pointer": "/lyrics", "message": "is too long"}, {"pointer": "", "message": "is empty"}]
    error = _error(problem(422, "invalid_request", errors=wrong))

    assert isinstance(error, errors.InvalidRequestError)
    assert error.fields == {"/lyrics": "is too long", "": "is empty"}
    assert str(error) == "invalid request: /lyrics is too long; the body is empty"


def test_a_key_without_a_scope_is_told_which_it_lacks() -> None:
    error = _error(problem(403, "insufficient_scope", required_scope="account:manage"))

    assert isinstance(error, errors.ScopeError)
    assert error.required_scope == "account:manage"


def test_too_few_credits_come_with_the_numbers() -> None:
    error = _error(problem(402, "out_of_credit", available_credits=10, price_credits=30))

    assert isinstance(error, errors.OutOfCreditError)
    assert error.problem
    assert (error.problem.available_credits, error.problem.price_credits) == (10, 30)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, errors.AuthenticationError),
        (403, errors.AuthenticationError),
        (413, errors.InvalidRequestError),
        (429, errors.LimitError),
        (500, errors.ServerError),
        (503, errors.ServerError),
        (404, errors.NotFermataError),
    ],
)
def test_what_api_gateway_answers_itself_is_known(status: int, kind: type[errors.FermataError]) -> None:
    error = _error(say(status, {"message": "Said by the gateway"}))

    assert type(error) is kind
    if isinstance(error, errors.RefusedError):
        assert (error.problem, error.code, error.request_id) == (None, None, None)


@pytest.mark.parametrize("status", [200, 201, 301, 401, 403, 404, 407, 418, 429, 500, 502])
def test_html_of_a_proxy_is_not_taken_for_fermata(status: int) -> None:
    error = _error(say_html(status))

    assert isinstance(error, errors.NotFermataError)
    assert error.status == status
    assert "text/html" in str(error)
    assert "base URL" in str(error)
    assert "Sign in" not in str(error)


def test_a_redirect_is_not_followed_and_names_only_where_to() -> None:
    fermata = FakeFermata()
    fermata.cues.append(say(301, None, Location="https://other.example.com/login?token=secret"))

    with pytest.raises(errors.NotFermataError, match=r"leads to https://other\.example\.com;") as raised:
        fermata.sync().account()

    assert "secret" not in str(raised.value)
    assert len(fermata.requests) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"song"',
        b"\xff\xfe",
        b"{" * 100_000,
        b'{"object": "account"}',
        b'{"type": "about:blank", "status": 404}',
        b'{"type": ["urn:fermata:problem:x"], "status": "x"}',
    ],
    ids=range(9),
)
@pytest.mark.parametrize("status", [200, 404, 422])
def test_json_of_another_shape_is_not_taken_for_fermata(body: bytes, status: int) -> None:
    error = _error(lambda _request, _serve: httpx.Response(status, content=body))

    assert isinstance(error, errors.NotFermataError)


def test_terminal_sequences_in_an_answer_reach_no_message() -> None:
    hostile = "\x1b]0;owned\x07 \x9b31m \u202egnp.exe\r\nfake line \u2028 \x00"
    error = _error(problem(409, "no_webhook", detail=hostile, title=hostile))

    assert str(error).isprintable()
    assert "fake line" in str(error)


def test_a_message_has_an_end() -> None:
    assert len(str(_error(problem(409, "no_webhook", detail="x" * 100_000)))) == 2_000


@pytest.mark.parametrize(("off_s", "said"), [(-3_600, "3600 s behind"), (3_600, "3600 s ahead")])
def test_a_finish_by_that_a_wrong_clock_chose_names_the_clock(off_s: float, said: str) -> None:
    wrong = [{"pointer": "/finish_by", "message": "is too early"}]
    error = _error(problem(422, "invalid_request", errors=wrong), clock_off_s=off_s)

    assert isinstance(error, errors.ClockOffError)
    assert error.skew_s == off_s
    assert said in str(error)
    assert type(_error(problem(422, "invalid_request", errors=wrong), clock_off_s=30)) is errors.InvalidRequestError
    assert NOON.year == 2026


def test_the_tree_that_the_module_draws_is_the_tree_of_its_classes() -> None:
    text = Path(errors.__file__).read_text("utf-8").partition('"""')[2].partition('"""')[0]
    drawn = [line.strip("│├└─ ").split(" ")[0] for line in text.splitlines() if "Error" in line[:30]]
    below: list[type[errors.FermataError]] = [errors.FermataError, *_below(errors.FermataError)]

    assert sorted(drawn) == sorted(kind.__name__ for kind in below)


def _below(kind: type[errors.FermataError]) -> list[type[errors.FermataError]]:
    return [each for child in kind.__subclasses__() for each in (child, *_below(child))]
