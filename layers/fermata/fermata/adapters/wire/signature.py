"""Signature Version 4 of AWS, which names and protects every request. Tests hold each signature against botocore's."""

import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from fermata.variables import variable_or

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_UNSIGNED: Final = frozenset({"user-agent", "x-amzn-trace-id"})
"""Headers that proxies and Lambda may change on the way."""
_USUAL_PORTS: Final = {"http": 80, "https": 443}


class Credentials(NamedTuple):
    """The keys of a role; the token of a temporary one."""

    access_key: str
    secret_key: str
    token: str | None


class Service(NamedTuple):
    """What a signature is good for."""

    region: str
    name: str


class Request(NamedTuple):
    """A request as it goes out; its URL has no query."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


def credentials() -> Credentials:
    """The credentials in the variables of this process, which are there for the life of an environment, and cost
    nothing to read. Raises botocore's `NoCredentialsError`.
    """
    access, secret = variable_or("AWS_ACCESS_KEY_ID"), variable_or("AWS_SECRET_ACCESS_KEY")
    if not access or not secret:
        from botocore.exceptions import NoCredentialsError

        raise NoCredentialsError
    return Credentials(access, secret, variable_or("AWS_SESSION_TOKEN") or None)


def signed(request: Request, keys: Credentials, service: Service, now: datetime) -> Request:
    """The request with the headers that sign it at the moment `now` in UTC; AWS takes it for some minutes."""
    moment = now.strftime("%Y%m%dT%H%M%SZ")
    token = {"X-Amz-Security-Token": keys.token} if keys.token else {}
    headers = {**request.headers, "X-Amz-Date": moment, **token}
    lines = {name.lower(): " ".join(value.split()) for name, value in {**headers, "Host": host_of(request.url)}.items()}
    names = sorted(lines.keys() - _UNSIGNED)
    canonical = "\n".join(
        (
            request.method,
            urlsplit(request.url).path or "/",
            "",
            *(f"{name}:{lines[name]}" for name in names),
            "",
            ";".join(names),
            sha256(request.body).hexdigest(),
        )
    )
    within = (moment[:8], service.region, service.name, "aws4_request")
    scope = "/".join(within)
    statement = "\n".join((_ALGORITHM, moment, scope, sha256(canonical.encode()).hexdigest()))
    signature = hmac.digest(_key(keys.secret_key, within), statement.encode(), sha256).hex()
    headers["Authorization"] = (
        f"{_ALGORITHM} Credential={keys.access_key}/{scope}, SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    return request._replace(headers=headers)


def host_of(url: str) -> str:
    """The `Host` header of requests to an address."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    named = f"[{host}]" if ":" in host else host
    return named if parts.port in (None, _USUAL_PORTS.get(parts.scheme)) else f"{named}:{parts.port}"


def _key(secret: str, within: Iterable[str]) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in within:
        key = hmac.digest(key, part.encode(), sha256)
    return key
