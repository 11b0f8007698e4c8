"""An upload of a reference is offered for exactly the file that was announced, under a key of the caller's tenant."""

import json
from typing import Any

import pytest

from fermata.api.responses.reference import Reference
from fermata.domain.catalogue.models import read_catalogue
from fermata.domain.orders.job_id import is_reference_id
from fermata.errors import BodyTooLargeError, InvalidRequestError, MalformedBodyError, RequestRefusedError
from fermata.use_cases.orders.create_reference import create_reference
from fermata.wiring.orders import create_reference_ports
from tests.fakes.clock import NOON
from tests.fakes.world import World
from tests.references import catalogue

BODY = {"content_type": "audio/mpeg", "bytes": 5000}


def create(body: object = BODY, tenant_id: str = "acme") -> dict[str, Any]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with World(catalogue=catalogue()):
        ports = create_reference_ports()
    return Reference.of(create_reference(raw, tenant_id, ports, NOON, bytes(10))).as_json()


def test_an_offer_is_an_id_a_form_and_two_times() -> None:
    offer = create()
    assert is_reference_id(offer["id"])
    assert set(offer) == {"id", "object", "upload", "expires_at"}
    assert (offer["object"], offer["upload"]["method"]) == ("reference", "POST")
    assert offer["upload"]["expires_at"] == "2026-11-21T13:00:00.000Z"
    assert offer["expires_at"] == "2026-12-20T12:00:00.000Z"


def test_the_form_is_for_one_key_of_the_tenant_one_size_and_one_type() -> None:
    offer = create(tenant_id="other")
    assert offer["upload"]["fields"] == {
        "key": f"references/other/{offer['id']}",
        "Content-Type": "audio/mpeg",
        "policy": "5000 bytes in 3600 s",
    }


@pytest.mark.parametrize(
    ("change", "pointer", "message"),
    [
        ({"content_type": "audio/ogg"}, "/content_type", "'audio/mpeg', 'audio/wav' or 'audio/flac'"),
        ({"content_type": None}, "/content_type", "'audio/mpeg', 'audio/wav' or 'audio/flac'"),
        ({"bytes": 0}, "/bytes", "greater than or equal to 1"),
        ({"bytes": -1}, "/bytes", "greater than or equal to 1"),
        ({"bytes": "5000"}, "/bytes", "valid integer"),
        ({"bytes": True}, "/bytes", "valid integer"),
        ({"name": "song.mp3"}, "/name", "allowed: content_type, bytes"),
    ],
)
def test_a_wrong_field_is_named(change: dict[str, object], pointer: str, message: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        create({**BODY, **change})
    [field] = caught.value.fields
    assert field.pointer == pointer
    assert message in field.message


def test_a_file_may_be_as_large_as_the_most_patient_model_takes() -> None:
    most = max(catalogue().longest_reference_bytes(), 5000)
    create({**BODY, "bytes": most})
    with pytest.raises(InvalidRequestError, match=f"must be at most {most}, got {most + 1}"):
        create({**BODY, "bytes": most + 1})


def test_a_catalogue_without_references_has_no_size_for_them() -> None:
    models = tuple(model for model in read_catalogue().models if model.reference is None)
    assert read_catalogue().model_copy(update={"models": models}).longest_reference_bytes() == 0


@pytest.mark.parametrize(
    ("body", "error"),
    [(b"{", MalformedBodyError), (b"[]", InvalidRequestError), (b" " * 200_000, BodyTooLargeError)],
)
def test_a_body_that_is_no_small_json_object_is_refused(body: bytes, error: type[RequestRefusedError]) -> None:
    with pytest.raises(error):
        create(body)
