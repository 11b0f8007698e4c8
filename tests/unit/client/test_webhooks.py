"""Webhooks are verified as Fermata signs them."""

import base64
import json
from datetime import timedelta

import pytest
from pydantic import SecretStr

from fermata.domain.webhooks.secret import WebhookSecrets, new_secret, signature_header, timestamp
from fermata_client import errors, webhooks
from tests.fakes.client.fake_fermata import JOB_ID, NOON

OLD, NEW, OTHER = (new_secret(bytes([number]) * 24) for number in (1, 2, 3))
BODY = json.dumps(
    {"type": "job.succeeded", "timestamp": NOON.isoformat(), "data": {"job_id": JOB_ID, "status": "succeeded"}}
).encode()
NOW = NOON.timestamp()


def _signed(body: bytes = BODY, secrets: WebhookSecrets | None = None) -> dict[str, str]:
    secrets = secrets or WebhookSecrets(current=SecretStr(NEW))
    return {
        "Webhook-Id": "evt_1",
        "webhook-timestamp": str(timestamp(NOON)),
        "WEBHOOK-SIGNATURE": signature_header(secrets, "evt_1", body, NOON),
    }


@pytest.mark.parametrize("body", [BODY, BODY.decode()])
def test_what_fermata_signed_is_an_event(body: bytes | str) -> None:
    event = webhooks.verify(NEW, body, _signed(), now=NOW)

    assert (event.id, event.type, event.job_id, event.timestamp) == ("evt_1", "job.succeeded", JOB_ID, NOON)


@pytest.mark.parametrize("secret", [OLD, NEW, [OTHER, OLD]])
def test_after_a_rotation_either_secret_verifies(secret: str | list[str]) -> None:
    both = WebhookSecrets(current=SecretStr(NEW), previous=SecretStr(OLD), previous_until=NOON + timedelta(seconds=1))

    assert webhooks.verify(secret, BODY, _signed(secrets=both), now=NOW).type == "job.succeeded"


@pytest.mark.parametrize(
    ("secret", "body"), [(OTHER, BODY), (NEW, BODY + b" "), (NEW, b""), ([], BODY)], ids=["key", "body", "empty", "no"]
)
def test_another_secret_or_body_is_refused(secret: str | list[str], body: bytes) -> None:
    with pytest.raises(errors.WebhookError, match="no signature"):
        webhooks.verify(secret, body, _signed(), now=NOW)


@pytest.mark.parametrize(
    "changed",
    [
        {"Webhook-Id": "evt_2"},
        {"webhook-timestamp": str(timestamp(NOON) + 1)},
        {"WEBHOOK-SIGNATURE": "v1,"},
        {"WEBHOOK-SIGNATURE": "v2,abc"},
        {"WEBHOOK-SIGNATURE": "é ü"},
    ],
)
def test_a_changed_header_is_refused(changed: dict[str, str]) -> None:
    with pytest.raises(errors.WebhookError, match="no signature"):
        webhooks.verify(NEW, BODY, {**_signed(), **changed}, now=NOW)


@pytest.mark.parametrize("name", ["Webhook-Id", "webhook-timestamp", "WEBHOOK-SIGNATURE"])
def test_a_message_without_a_header_says_which(name: str) -> None:
    headers = _signed()
    del headers[name]

    with pytest.raises(errors.WebhookError, match=name.lower()):
        webhooks.verify(NEW, BODY, headers, now=NOW)


@pytest.mark.parametrize(("off_s", "said"), [(301, "301 s old"), (-301, "301 s ahead")])
def test_a_message_of_another_time_is_refused_and_names_the_clock(off_s: int, said: str) -> None:
    with pytest.raises(errors.WebhookError, match=f"{said}.*clock is off"):
        webhooks.verify(NEW, BODY, _signed(), now=NOW + off_s)

    assert webhooks.verify(NEW, BODY, _signed(), now=NOW + off_s, tolerance_s=301).id == "evt_1"


@pytest.mark.parametrize("secret", ["whsec_", "", "not base64!", "whsec_é"])
def test_a_secret_that_is_none_is_an_error_and_is_not_shown(secret: str) -> None:
    with pytest.raises(errors.WebhookError, match="the secret is") as raised:
        webhooks.verify(secret, BODY, _signed(), now=NOW)

    assert "base64!" not in str(raised.value)


@pytest.mark.parametrize("body", [b"[]", b"{}", b"\xff", b"[" * 100_000], ids=["list", "empty", "bytes", "deep"])
def test_a_signed_message_that_is_no_event_is_an_error(body: bytes) -> None:
    with pytest.raises(errors.WebhookError, match="it is no event"):
        webhooks.verify(NEW, body, _signed(body), now=NOW)


def test_a_time_that_is_no_number_is_refused() -> None:
    headers = {**_signed(), "webhook-timestamp": "noon"}
    from fermata_client.webhooks import _signature

    headers["WEBHOOK-SIGNATURE"] = _signature(NEW, b"evt_1.noon." + BODY).decode()
    with pytest.raises(errors.WebhookError, match="no number"):
        webhooks.verify(NEW, BODY, headers, now=NOW)
    assert base64.b64decode(NEW.removeprefix("whsec_"))
