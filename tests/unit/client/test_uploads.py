"""A recording is announced, uploaded without the key, and named by its id in orders."""

import email
import json
from email.policy import HTTP
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from fermata_client import errors
from tests.fakes.client.fake_fermata import API_KEY, OFFER, FakeFermata, few_retries, lose, problem, say, unreachable


@pytest.fixture
def take(tmp_path: Path) -> Path:
    path = tmp_path / "take.WAV"
    path.write_bytes(b"RIFF" + bytes(range(256)))
    return path


def _parts(request: httpx.Request) -> list[Any]:
    """The parts of a form, read by Python's own parser."""
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    return list(email.message_from_bytes(head + request.content, policy=HTTP).iter_parts())


def _content(part: Any) -> bytes:  # noqa: ANN401 - the parser's own parts
    return bytes(part.get_payload(decode=True))


def test_a_recording_is_uploaded_by_the_form_and_without_the_key(take: Path) -> None:
    fermata = FakeFermata()
    fermata.cues.append(say(201, OFFER))
    fermata.file_cues.append(say(204))

    reference = fermata.sync().upload_reference(take)

    announced, form = fermata.requests
    assert reference.id == OFFER["id"]
    assert json.loads(announced.content) == {"content_type": "audio/wav", "bytes": 260}
    assert (form.method, str(form.url)) == ("POST", "https://files.example.com/bucket")
    assert API_KEY.encode() not in form.content
    assert "Authorization" not in form.headers
    *fields, file = _parts(form)
    named = {part.get_param("name", header="content-disposition"): _content(part).decode() for part in fields}
    assert named == OFFER["upload"]["fields"]
    assert file.get_param("name", header="content-disposition") == "file"
    assert (file.get_content_type(), _content(file)) == ("audio/wav", take.read_bytes())
    assert "signature" not in repr(reference)


def test_an_awaited_upload_does_the_same(take: Path) -> None:
    fermata = FakeFermata()
    fermata.cues.append(say(201, OFFER))
    fermata.file_cues.append(say(204))

    async def upload() -> str:
        async with fermata.awaited() as client:
            return (await client.upload_reference(take, "audio/flac")).id

    assert anyio.run(upload) == OFFER["id"]
    assert json.loads(fermata.requests[0].content)["content_type"] == "audio/flac"


def test_a_form_that_no_answer_came_to_is_sent_again_and_the_offer_is_not(take: Path) -> None:
    fermata = FakeFermata()
    fermata.cues.append(say(201, OFFER))
    fermata.file_cues.extend([lose, say(503), say(204)])

    fermata.sync(retries=few_retries()).upload_reference(take)

    assert [request.url.host for request in fermata.requests] == ["api.example.com", *["files.example.com"] * 3]
    assert len({request.content for request in fermata.requests[1:]}) == 1


@pytest.mark.parametrize(
    ("cues", "error", "said"),
    [
        ([say(403)], errors.UploadError, "the store answered 403"),
        ([say(503)] * 3, errors.UploadError, "the store answered 503"),
        ([unreachable] * 3, errors.NetworkError, "no answer came"),
    ],
)
def test_a_store_that_does_not_take_the_file_is_an_error_after_as_many_tries_as_may_help(
    take: Path, cues: list[Any], error: type[errors.FermataError], said: str
) -> None:
    fermata = FakeFermata()
    fermata.cues.append(say(201, OFFER))
    fermata.file_cues.extend(cues)

    with pytest.raises(error, match=said):
        fermata.sync(retries=few_retries()).upload_reference(take)

    assert not fermata.file_cues


def test_what_cannot_be_a_recording_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    fermata, text = FakeFermata(), tmp_path / "take.txt"
    text.write_text("no song", "utf-8")

    with pytest.raises(errors.SettingsError, match=r"\.mp3, \.wav, \.flac, found 'take.txt'"):
        fermata.sync().upload_reference(text)
    with pytest.raises(FileNotFoundError):
        fermata.sync().upload_reference(tmp_path / "gone.mp3")

    assert fermata.requests == []


def test_an_announcement_that_is_refused_uploads_nothing(take: Path) -> None:
    fermata = FakeFermata()
    fermata.cues.append(problem(413, "too_large"))

    with pytest.raises(errors.InvalidRequestError):
        fermata.sync().upload_reference(take)

    assert len(fermata.requests) == 1
