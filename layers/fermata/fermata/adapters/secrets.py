"""Secrets of the deployment: the operator's provider keys, kept in memory for a limited time, what makes the tokens of
live songs, kept for good, and what signs songs, kept not at all.

The secret of provider keys is a JSON object: for each provider a key, or an object from alias to key. New orders use
its first entry. The secret of the signing key is one with the texts `certificates`, `private_key` and `algorithm`.
"""

import json
import re
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from fermata.adapters.aws_errors import aws_errors
from fermata.errors import ConfigurationError
from fermata.ports.audio import SigningKey

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

KeysByAlias = Mapping[str, str]

_SENDABLE: Final = re.compile(r"[\x21-\x7e]+")


class SecretProviderKeys:
    """`ProviderKeys` over one secret, cached for `max_age_s` seconds: the longest delay until a rotated key applies."""

    def __init__(
        self,
        client: "SecretsManagerClient",
        secret_arn: str,
        max_age_s: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._secret_arn = secret_arn
        self._max_age_s = max_age_s
        self._monotonic = monotonic
        self._keys: Mapping[str, object] = {}
        self._read_at: float | None = None

    def current(self, provider: str) -> tuple[str, str]:
        """Alias and key for a new order; raises `ConfigurationError` where the secret has none, `TransientError`."""
        for alias, key in self._keys_of(provider).items():
            return alias, key
        raise ConfigurationError(
            f'the secret of provider keys has no key for {provider}; add "{provider}" to its JSON object'
        )

    def aliases(self, provider: str) -> tuple[str, ...]:
        """The aliases of a provider's keys in the order of the secret; raises as `current` does, but is empty where the
        secret has none.
        """
        return tuple(self._keys_of(provider))

    def by_alias(self, provider: str, alias: str) -> str:
        """The key of an earlier order; raises `ConfigurationError` where the secret no longer has it,
        `TransientError`.
        """
        key = self._keys_of(provider).get(alias)
        if key is None:
            # Another function may have used a key that the operator added after this environment read the secret.
            self._read_at = None
            key = self._keys_of(provider).get(alias)
        if key is None:
            raise ConfigurationError(
                f"the secret of provider keys no longer has {provider}'s key {alias!r}; keep it until its jobs ended"
            )
        return key

    def _keys_of(self, provider: str) -> KeysByAlias:
        now = self._monotonic()
        if self._read_at is None or now - self._read_at >= self._max_age_s:
            self._keys = _parse(self._read())
            self._read_at = now
        return _by_alias(provider, self._keys.get(provider, {}))

    def _read(self) -> str:
        with aws_errors("the secret of provider keys could not be read"):
            return self._client.get_secret_value(SecretId=self._secret_arn)["SecretString"]


class SecretBytes:
    """`LiveSecret` over one generated secret, read once. `client` makes the client when it is first read, because most
    answers show no live song.
    """

    def __init__(self, client: "Callable[[], SecretsManagerClient]", secret_arn: str) -> None:
        self._client = client
        self._secret_arn = secret_arn
        self._secret: bytes | None = None

    def read(self) -> bytes:
        """The secret's text; raises `TransientError`."""
        if self._secret is None:
            with aws_errors("the secret of live songs could not be read"):
                text = self._client().get_secret_value(SecretId=self._secret_arn)["SecretString"]
            self._secret = text.encode()
        return self._secret


class SecretSigningKey:
    """The key that signs songs, over one secret that is read for each song, so that a renewed certificate is used at
    once.
    """

    def __init__(self, client: "Callable[[], SecretsManagerClient]", secret_arn: str) -> None:
        self._client = client
        self._secret_arn = secret_arn

    def read(self) -> SigningKey:
        """The key; raises `ConfigurationError` where the secret does not hold one, and `TransientError`."""
        if not self._secret_arn:
            raise ConfigurationError("there is no secret with a key that signs songs")
        with aws_errors("the secret of the signing key could not be read"):
            text = self._client().get_secret_value(SecretId=self._secret_arn)["SecretString"]
        return _signing_key(text)


def _signing_key(text: str) -> SigningKey:
    names = ("certificates", "private_key", "algorithm")
    try:
        secret = json.loads(text)
    except ValueError:
        secret = None
    values = [secret.get(name) for name in names] if isinstance(secret, dict) else []
    texts = [value for value in values if isinstance(value, str) and value]
    if len(texts) < len(names):
        raise ConfigurationError(
            f"the secret of the signing key is not a JSON object with the texts {', '.join(names)}"
        )
    return SigningKey(*texts)


def _parse(text: str) -> Mapping[str, object]:
    expected = 'expected a JSON object such as {"minimax": "<key>"} or {"minimax": {"2026-11": "<key>"}}'
    try:
        secret = json.loads(text)
    except ValueError:
        raise ConfigurationError(f"the secret of provider keys is not JSON; {expected}") from None
    if not isinstance(secret, dict):
        raise ConfigurationError(f"the secret of provider keys is not an object; {expected}")
    return secret


def _by_alias(provider: str, keys: object) -> KeysByAlias:
    named = keys if isinstance(keys, dict) else {"default": keys}
    stripped = {alias: key.strip() if isinstance(key, str) else None for alias, key in named.items()}
    usable = {alias: key for alias, key in stripped.items() if key and _SENDABLE.fullmatch(key)}
    if len(usable) < len(named):
        raise ConfigurationError(
            f"the secret of provider keys has a key for {provider} that cannot be sent; "
            "expected a text of printable ASCII characters without spaces"
        )
    return usable
