"""Signatures that the published library of Standard Webhooks makes, too."""

import base64
from datetime import timedelta

import pytest
from standardwebhooks.webhooks import Webhook

from fermata.domain.webhooks.secret import WebhookSecrets, new_secret, signature_header
from tests.fakes.clock import NOON
from tests.webhooks import NEXT_SECRET, SECRET

BODY = b'{"type":"job.succeeded","title":"\xc3\xbcber"}'
ROTATED = WebhookSecrets.model_validate(
    {"current": NEXT_SECRET, "previous": SECRET, "previous_until": NOON + timedelta(days=1)}
)


def only(secret: str) -> WebhookSecrets:
    return WebhookSecrets.model_validate({"current": secret})


def expected(secret: str) -> str:
    return Webhook(secret).sign("msg_1", NOON, BODY.decode())


def test_a_secret_has_as_many_random_bytes_as_the_specification_requires() -> None:
    secret = new_secret(bytes(range(25)))
    assert secret == "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
    assert base64.b64decode(secret.removeprefix("whsec_")) == bytes(range(24))


def test_a_signature_is_the_one_of_the_published_library() -> None:
    assert signature_header(only(SECRET), "msg_1", BODY, NOON) == expected(SECRET)


def test_while_a_secret_is_replaced_both_sign() -> None:
    assert signature_header(ROTATED, "msg_1", BODY, NOON) == f"{expected(NEXT_SECRET)} {expected(SECRET)}"


@pytest.mark.parametrize(("after", "secrets"), [(-1, (NEXT_SECRET, SECRET)), (0, (NEXT_SECRET,)), (1, (NEXT_SECRET,))])
def test_a_replaced_secret_signs_until_its_moment(after: int, secrets: tuple[str, ...]) -> None:
    assert ROTATED.signing(NOON + timedelta(days=1, seconds=after)) == secrets


def test_a_secret_is_not_shown_by_accident() -> None:
    shown = f"{ROTATED!r} {ROTATED} {ROTATED.model_dump()} {ROTATED.model_dump_json()}"
    assert SECRET not in shown
    assert NEXT_SECRET not in shown
