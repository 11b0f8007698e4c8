"""S3's answers to pages of other origins, from the rules of the bucket. Moto applies all rules at once, to any method.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from werkzeug.wrappers import Response

from local.deploy.deployment import ACCOUNT_ID
from local.emulator.s3.refusal import refusal

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PREFIX: Final = "access-control-"
_VARY: Final = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"
_NOT_ALLOWED: Final = (
    "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / "
    "Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec."
)
_NOT_ENABLED: Final = "CORSResponse: CORS is not enabled for this bucket."
_PARTITION: Final = "aws"


@dataclass(frozen=True)
class CorsRule:
    """One rule of a bucket; origins and headers may hold one `*`."""

    methods: tuple[str, ...]
    origins: tuple[str, ...]
    headers: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()
    max_age_s: int | None = None

    def allows(self, origin: str, method: str, headers: Sequence[str] = ()) -> bool:
        """Whether a page of this origin may send such a request."""
        if method not in self.methods or not any(_fits(allowed, origin) for allowed in self.origins):
            return False
        return all(any(_fits(allowed.lower(), header) for allowed in self.headers) for header in headers)

    def response_headers(self, origin: str) -> list[tuple[str, str]]:
        """What a page of an allowed origin learns."""
        is_for_all = "*" in self.origins
        found = [("Access-Control-Allow-Origin", "*" if is_for_all else origin)]
        found.append(("Access-Control-Allow-Methods", ", ".join(self.methods)))
        if self.exposed:
            found.append(("Access-Control-Expose-Headers", ", ".join(self.exposed)))
        if self.max_age_s is not None:
            found.append(("Access-Control-Max-Age", str(self.max_age_s)))
        if not is_for_all:
            found.append(("Access-Control-Allow-Credentials", "true"))
        return [*found, ("Vary", _VARY)]


RulesOf = Callable[[str], Sequence[CorsRule] | None]
"""Returns the rules of a bucket, None where there is no such bucket."""


def rules_in_moto(bucket: str) -> Sequence[CorsRule] | None:
    """The rules of one of the emulator's buckets."""
    from moto.s3.models import s3_backends

    backend = s3_backends[ACCOUNT_ID][_PARTITION]
    if bucket not in backend.buckets:
        return None
    return [
        CorsRule(
            methods=_texts(rule.allowed_methods),
            origins=_texts(rule.allowed_origins),
            headers=_texts(rule.allowed_headers),
            exposed=_texts(rule.exposed_headers),
            max_age_s=None if rule.max_age_seconds is None else int(rule.max_age_seconds),
        )
        for rule in backend.get_bucket_cors(bucket)
    ]


def with_cors(s3: "WSGIApplication", rules_of: RulesOf) -> "WSGIApplication":
    """S3 with the CORS headers of its buckets' rules, errors included, and with its answers to preflight requests."""

    def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        origin = environ.get("HTTP_ORIGIN")
        rules = None if origin is None else rules_of(environ["PATH_INFO"].strip("/").partition("/")[0])
        if origin is None or rules is None:
            return s3(environ, start_response)
        if environ["REQUEST_METHOD"] == "OPTIONS":
            return _preflight_answer(rules, origin, environ)(environ, start_response)
        rule = next((rule for rule in rules if rule.allows(origin, environ["REQUEST_METHOD"])), None)
        return s3(environ, _replacing(start_response, [] if rule is None else rule.response_headers(origin)))

    return application


def _preflight_answer(rules: Sequence[CorsRule], origin: str, environ: "WSGIEnvironment") -> Response:
    method = environ.get("HTTP_ACCESS_CONTROL_REQUEST_METHOD", "")
    asked = environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "")
    headers = [name.strip().lower() for name in asked.split(",") if name.strip()]
    if not rules:
        return refusal(403, "AccessForbidden", _NOT_ENABLED, {"Method": method, "ResourceType": "BUCKET"})
    rule = next((rule for rule in rules if rule.allows(origin, method, headers)), None)
    if rule is None:
        return refusal(403, "AccessForbidden", _NOT_ALLOWED, {"Method": method, "ResourceType": "OBJECT"})
    answer = Response(status=200, headers=rule.response_headers(origin))
    if headers:
        answer.headers["Access-Control-Allow-Headers"] = ", ".join(headers)
    return answer


def _replacing(start_response: "StartResponse", headers: list[tuple[str, str]]) -> "StartResponse":
    """A `start_response` with these CORS headers in place of any others."""

    def start(
        status: str, found: list[tuple[str, str]], exc_info: "OptExcInfo | None" = None, /
    ) -> Callable[[bytes], object]:
        kept = [(name, value) for name, value in found if not name.lower().startswith(_PREFIX)]
        return start_response(status, [*kept, *headers], exc_info)

    return start


def _fits(pattern: str, text: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text) is not None


def _texts(found: str | Sequence[str] | None) -> tuple[str, ...]:
    """Moto stores one value as text, several as a list."""
    return () if found is None else (found,) if isinstance(found, str) else tuple(found)
