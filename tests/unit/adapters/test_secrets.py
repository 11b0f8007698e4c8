"""The operator's keys: read from one secret, remembered for a while, never shown."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from fermata.adapters.secrets import SecretBytes, SecretProviderKeys, SecretSigningKey
from fermata.errors import ConfigurationError, TransientError
from fermata.ports.audio import SigningKey
from tests.fakes.providers.provider_keys import KEY
from tests.support.cloud import ONE_TRY, AnswersInstead, aws_error, session


class Secret:
    """A secret, the keys read from it, and the seconds that pass."""

    def __init__(self) -> None:
        self.client = session().client("secretsmanager", config=ONE_TRY)
        self.client.create_secret(Name="keys", SecretString="{}")
        self.seconds = 0.0
        self.reads = AnswersInstead(self.client, "GetSecretValue")
        self.keys = SecretProviderKeys(self.client, "keys", 300, lambda: self.seconds)

    def put(self, content: object) -> None:
        text = content if isinstance(content, str) else json.dumps(content)
        self.client.put_secret_value(SecretId="keys", SecretString=text)


@pytest.fixture
def secret() -> Iterator[Secret]:
    with mock_aws():
        yield Secret()


def test_a_plain_key_has_the_alias_default(secret: Secret) -> None:
    secret.put({"minimax": KEY})
    assert secret.keys.current("minimax") == ("default", KEY)
    assert secret.keys.by_alias("minimax", "default") == KEY


def test_the_first_of_several_keys_places_orders_and_the_others_still_serve(secret: Secret) -> None:
    secret.put({"minimax": {"2026-11": "new", "2026-05": "old"}})
    assert secret.keys.current("minimax") == ("2026-11", "new")
    assert secret.keys.by_alias("minimax", "2026-05") == "old"


@pytest.mark.parametrize(
    ("content", "aliases"),
    [
        ({}, ()),
        ({"minimax": {}}, ()),
        ({"minimax": KEY}, ("default",)),
        ({"minimax": {"b": "1", "a": "2"}}, ("b", "a")),
    ],
)
def test_the_aliases_of_a_provider_stand_in_the_order_of_the_secret(
    secret: Secret, content: object, aliases: tuple[str, ...]
) -> None:
    secret.put(content)
    assert secret.keys.aliases("minimax") == aliases


@pytest.mark.parametrize("content", [{}, {"aimlapi": KEY}, {"minimax": {}}])
def test_a_missing_key_says_where_to_put_it(secret: Secret, content: object) -> None:
    secret.put(content)
    with pytest.raises(ConfigurationError, match='add "minimax"'):
        secret.keys.current("minimax")
    with pytest.raises(ConfigurationError):
        secret.keys.by_alias("minimax", "default")


def test_a_key_that_was_taken_away_is_named_by_its_alias(secret: Secret) -> None:
    secret.put({"minimax": {"2026-11": KEY}})
    with pytest.raises(ConfigurationError, match="'2026-05'") as caught:
        secret.keys.by_alias("minimax", "2026-05")
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("content", ["", "not json", KEY, f'["{KEY}"]', f'"{KEY}"', "null"])
def test_a_secret_of_another_form_is_reported_without_being_shown(secret: Secret, content: str) -> None:
    secret.put(content or " ")
    with pytest.raises(ConfigurationError, match="expected a JSON object") as caught:
        secret.keys.current("minimax")
    assert KEY not in str(caught.value)
    assert KEY not in str(caught.value.__cause__)


@pytest.mark.parametrize("key", ["", "   ", f"{KEY} {KEY}", f"{KEY}é", f"{KEY}\nX-Evil: 1", 7, None, [KEY]])
def test_a_key_that_no_header_can_carry_is_reported_without_being_shown(secret: Secret, key: object) -> None:
    secret.put({"minimax": key})
    with pytest.raises(ConfigurationError, match="cannot be sent") as caught:
        secret.keys.current("minimax")
    assert KEY not in str(caught.value)


def test_one_providers_bad_key_does_not_stop_another(secret: Secret) -> None:
    secret.put({"minimax": 7, "aimlapi": KEY})
    assert secret.keys.current("aimlapi") == ("default", KEY)


def test_white_space_around_a_pasted_key_is_dropped(secret: Secret) -> None:
    secret.put({"minimax": f" {KEY}\n"})
    assert secret.keys.current("minimax") == ("default", KEY)


def test_the_secret_is_read_once_and_again_after_its_maximum_age(secret: Secret) -> None:
    secret.put({"minimax": "old", "aimlapi": "other"})
    for _ in range(3):
        assert secret.keys.current("minimax")[1] == "old"
        assert secret.keys.current("aimlapi")[1] == "other"
    assert secret.reads.calls == 1
    secret.put({"minimax": "new"})
    secret.seconds = 299.9
    assert secret.keys.current("minimax")[1] == "old"
    secret.seconds = 300
    assert secret.keys.current("minimax")[1] == "new"
    assert secret.reads.calls == 2


def test_a_key_that_another_function_saw_first_is_looked_for_in_the_secret_itself(secret: Secret) -> None:
    secret.put({"minimax": {"2026-05": "old"}})
    assert secret.keys.current("minimax") == ("2026-05", "old")
    secret.put({"minimax": {"2026-11": "new", "2026-05": "old"}})
    assert secret.keys.by_alias("minimax", "2026-11") == "new"
    assert secret.reads.calls == 2


def test_a_secret_that_cannot_be_read_now_is_transient_and_read_again(secret: Secret) -> None:
    secret.put({"minimax": KEY})
    secret.reads.answers.append(aws_error("InternalServiceError", "canary"))
    with pytest.raises(TransientError) as caught:
        secret.keys.current("minimax")
    assert "canary" not in str(caught.value)
    assert secret.keys.current("minimax") == ("default", KEY)


def test_a_client_for_the_secret_of_live_songs_is_made_once_it_is_read_and_no_sooner(secret: Secret) -> None:
    secret.put("made by the deployment")
    made = []

    def client() -> Any:  # noqa: ANN401 - moto's
        made.append(secret.client)
        return secret.client

    live = SecretBytes(client, "keys")
    assert made == []
    assert [live.read(), live.read()] == [b"made by the deployment"] * 2
    assert made == [secret.client]


SIGNING = {"certificates": "PEM of two", "private_key": KEY, "algorithm": "es256"}


def test_the_key_that_signs_songs_is_read_each_time(secret: Secret) -> None:
    source = SecretSigningKey(lambda: secret.client, "keys")
    secret.put(SIGNING)
    assert source.read() == SigningKey("PEM of two", KEY, "es256")
    secret.put({**SIGNING, "certificates": "PEM of the next"})
    assert source.read().certificates == "PEM of the next"


@pytest.mark.parametrize(
    "content", [{}, [], {**SIGNING, "algorithm": ""}, {**SIGNING, "certificates": None}, f"[{KEY}", {"minimax": KEY}]
)
def test_a_secret_that_is_no_signing_key_is_reported_without_being_shown(secret: Secret, content: object) -> None:
    secret.put(content)
    with pytest.raises(ConfigurationError, match="certificates, private_key, algorithm") as caught:
        SecretSigningKey(lambda: secret.client, "keys").read()
    assert KEY not in str(caught.value)
    assert KEY not in str(caught.value.__cause__)


def test_without_a_secret_there_is_no_signing_key_and_nothing_is_asked() -> None:
    with pytest.raises(ConfigurationError, match="no secret"):
        SecretSigningKey(lambda: pytest.fail("made a client"), "").read()
