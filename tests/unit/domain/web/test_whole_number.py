"""An integer is one however it is written; a fraction, a text or a boolean is none."""

import json
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from fermata.domain.catalogue.models import read_catalogue
from fermata.domain.orders.order_request import SongRequest, parse_song_request
from fermata.domain.web.json_body import read_body
from fermata.domain.web.whole_number import WholeNumber
from fermata.errors import InvalidRequestError
from fermata.use_cases.operator.manage_keys import IssueKey
from fermata.use_cases.operator.manage_tenants import Grant
from fermata.use_cases.orders.create_reference import UploadRequest

INTEGERS: Any = TypeAdapter(WholeNumber)
SONG = {"model": "minimax/music-2.6", "prompt": "indie folk", "lyrics": "Rain on glass"}


def song(text: str) -> SongRequest:
    body = json.dumps(SONG)[:-1] + f', "audio": {{"bitrate": {text}, "sample_rate": 44100.0}}}}'
    return parse_song_request(body.encode(), read_catalogue())[0]


@pytest.mark.parametrize("text", ["256000", "256000.0", "256000.000", "2.56e5", "256E3", "2560000e-1"])
def test_every_spelling_of_an_integer_is_accepted(text: str) -> None:
    audio = song(text).audio
    assert (audio.bitrate, type(audio.bitrate), audio.sample_rate) == (256000, int, 44100)


@pytest.mark.parametrize("text", ["256000.5", '"256000"', "true", "1e400", "2.56e-3", "[256000]", "-256000.0"])
def test_any_other_value_is_no_integer(text: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        song(text)
    assert [field.pointer for field in caught.value.fields] == ["/audio/bitrate"]


@pytest.mark.parametrize("text", ["7", "7.0", "70E-1"])
def test_a_number_of_a_store_is_read_as_one_of_a_body(text: str) -> None:
    found = INTEGERS.validate_python(Decimal(text))
    assert (found, type(found)) == (7, int)


@pytest.mark.parametrize("text", ["7.5", "NaN", "Infinity"])
def test_a_fraction_of_a_store_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        INTEGERS.validate_python(Decimal(text))


def test_the_document_calls_it_an_integer() -> None:
    assert INTEGERS.json_schema() == {"type": "integer"}


@pytest.mark.parametrize(
    ("shape", "fields", "name"),
    [
        (UploadRequest, {"content_type": "audio/flac"}, "bytes"),
        (Grant, {"action": "grant", "tenant_id": "acme"}, "credits"),
        (IssueKey, {"action": "issue_key", "tenant_id": "acme"}, "days"),
    ],
)
def test_every_integer_of_a_request_is_read_so(shape: type[BaseModel], fields: dict[str, Any], name: str) -> None:
    whole = read_body(json.dumps({**fields, name: 7.0}).encode(), shape)
    assert (getattr(whole, name), type(getattr(whole, name))) == (7, int)
    for bad in (7.5, True, "7"):
        with pytest.raises(InvalidRequestError):
            read_body(json.dumps({**fields, name: bad}).encode(), shape)
