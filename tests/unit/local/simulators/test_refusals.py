"""Every provider refuses in its own words and shape: no sentence of the validator reaches a client."""

import json
from collections.abc import Callable
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from local.simulators.http.exchange import Answer
from local.simulators.refusals import first_wrong_field
from tests.unit.local.simulators.offline import SPEECHES, Json, Provider

# What pydantic and its JSON parser say.
VALIDATORS_WORDS = (
    "Input should",
    "Extra inputs",
    "Field required",
    "String should",
    "Value error",
    "should be a valid",
    "EOF while parsing",
    "expected value",
    "at line",
    "pydantic",
)
READERS: dict[str, Callable[[Json], str]] = {
    "minimax": lambda body: str(body["base_resp"]["status_msg"]).removeprefix("invalid params, "),
    "skillboss": lambda body: str(body["message"]).removeprefix("Invalid request: "),
    "apiinone": lambda body: str(body["message"]).removeprefix("Invalid parameters: "),
    "aimlapi": lambda body: str(body["message"]).removeprefix("Invalid request: "),
}
"""Where each provider's refusal has its reason, behind the provider's own lead."""
SHAPES = {
    "minimax": (200, ["data", "trace_id", "base_resp"]),
    "skillboss": (400, ["code", "message"]),
    "apiinone": (400, ["code", "message", "data"]),
    "aimlapi": (400, ["message", "path", "requestId", "statusCode", "timestamp"]),
}


class _Setting(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    rate: Literal[16000, 44100] = 44100


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    words: str = Field(min_length=2, max_length=4)
    loud: bool = False
    seed: int = Field(default=1, gt=0, le=9)
    least: float = Field(default=1.0, ge=0.5)
    many: list[str] = Field(default_factory=list)
    any: dict[str, int] = Field(default_factory=dict)
    setting: _Setting = _Setting()

    @field_validator("words")
    @classmethod
    def _no_x(cls, words: str) -> str:
        if "x" in words:
            raise ValueError("expected no x")
        return words


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "words: required"),
        ({"words": 3}, "words: expected text"),
        ({"words": "a"}, "words: expected at least 2 characters"),
        ({"words": "abcde"}, "words: expected at most 4 characters"),
        ({"words": "axa"}, "words: expected no x"),
        ({"words": "abc", "louder": 1}, "louder: unknown field"),
        ({"words": "abc", "loud": "yes"}, "loud: expected true or false"),
        ({"words": "abc", "seed": "1"}, "seed: expected a whole number"),
        ({"words": "abc", "seed": 1.5}, "seed: expected a whole number"),
        ({"words": "abc", "seed": 0}, "seed: expected more than 0"),
        ({"words": "abc", "seed": 10}, "seed: expected at most 9"),
        ({"words": "abc", "least": "a"}, "least: expected a number"),
        ({"words": "abc", "least": 0.4}, "least: expected at least 0.5"),
        ({"words": "abc", "many": "a"}, "many: expected a list"),
        ({"words": "abc", "any": []}, "any: expected an object"),
        ({"words": "abc", "setting": 3}, "setting: expected an object"),
        ({"words": "abc", "setting": {"rate": 48000}}, "setting.rate: expected 16000 or 44100"),
        ([], "body: expected an object"),
    ],
)
def test_a_wrong_field_is_named_with_what_was_expected(body: object, reason: str) -> None:
    with pytest.raises(ValidationError) as caught:
        _Order.model_validate(body)
    assert first_wrong_field(caught.value) == reason


def test_a_reason_without_words_of_its_own_says_no_more_than_that_it_is_not_valid() -> None:
    class Dated(BaseModel):
        at: Any = Field(multiple_of=2)

    with pytest.raises(ValidationError) as caught:
        Dated.model_validate({"at": 3})
    assert first_wrong_field(caught.value, within="inputs") == "inputs.at: not valid"


@pytest.mark.parametrize("name", list(READERS))
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"duration": 30}, "duration: unknown field"),
        ({"prompt": 3}, "prompt: expected text"),
        ({"prompt": "x" * 5001}, None),
        ({"audio_setting": {"bitrate": 1}}, None),
        ({"lyrics": {"a": 1}}, None),
        ({"model": None}, None),
        ({"model": 3}, None),
    ],
)
def test_a_bad_order_of_a_song_is_refused_in_the_providers_shape(
    name: str, changes: dict[str, object], reason: str | None
) -> None:
    if name == "skillboss" and reason:
        changes, reason = {"prompt": None, "lyrics": None, "inputs": {"lyrics": "la", **changes}}, f"inputs.{reason}"
    check(Provider(name), Provider(name).order(**changes), reason)


@pytest.mark.parametrize("name", list(READERS))
@pytest.mark.parametrize("body", [b"", b"{", b'{"model": NaN}', b"\xff", b"[1"])
def test_a_body_that_is_no_json_is_refused_in_the_providers_shape(name: str, body: bytes) -> None:
    provider = Provider(name)
    check(provider, provider.request("POST", provider.path, body), "body: expected JSON")


@pytest.mark.parametrize("name", list(SPEECHES))
@pytest.mark.parametrize("changes", [{"speed": 3}, {"text": 3}, {"text": ""}, {"inputs": {"text": 3}}])
def test_a_bad_order_of_speech_is_refused_in_the_providers_shape(name: str, changes: dict[str, object]) -> None:
    check(Provider(name), Provider(name).speak(**changes), None)


def check(provider: Provider, answer: Answer, reason: str | None) -> None:
    """The answer is the provider's refusal, costs nothing, and gives this reason or any of ours."""
    body: Json = json.loads(answer.body)
    status, names = SHAPES[provider.name]
    assert (answer.status, list(body), answer.charged) == (status, names, False)
    found = READERS[provider.name](body)
    assert found == (reason or found)
    assert not any(word in found for word in VALIDATORS_WORDS)
