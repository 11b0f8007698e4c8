"""The endpoint of all AWS services of the cloud: moto, preceded by Lambda's Invoke and by S3's checks of links, forms
and pages of other origins.
"""

import io
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from local.emulator.aws_calls import AwsCall, invoked_function, read_call
from local.emulator.capacity.measuring import ask_for_units
from local.emulator.expired_items import ExpiringItems
from local.emulator.missing_calls import missing_call
from local.emulator.s3.bucket_cors import RulesOf, rules_in_moto, with_cors
from local.emulator.s3.presigned_links import refused_link
from local.emulator.s3.upload_forms import is_upload_form, refused_upload
from local.iam.gate import Gate
from local.logs import JsonLines, now
from local.runtime.lambda_api import LambdaApi

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_MAX_READ_BYTES: Final = 25_165_824
"""More than the largest request in JSON, 16 MB of items and their escapes."""
_CALL: Final = "fermata.call"


class AwsEndpoint:
    """A WSGI application in front of moto's; functions can be invoked after `serve_functions`.

    Every call is logged with the function that made it, except calls that are signed with `own_access_key`.
    """

    def __init__(
        self,
        moto: "WSGIApplication",
        log: JsonLines,
        own_access_key: str,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        cors_rules_of: RulesOf = rules_in_moto,
        gate: Gate | None = None,
        unlogged: Collection[str] = (),
    ) -> None:
        """`gate` judges every call; calls that are signed with one of the `unlogged` keys are the cloud's own, too."""
        self._moto: WSGIApplication = ExpiringItems(moto, clock)
        self._log, self._own_access_key, self._clock = log, own_access_key, clock
        self._gate, self._unlogged = gate, unlogged
        self._s3 = with_cors(self._checked_s3, cors_rules_of)
        self._lambda: LambdaApi | None = None
        self._callers: Mapping[str, str] = {}

    def serve_functions(self, lambda_api: LambdaApi, callers: Mapping[str, str]) -> None:
        """Answer Lambda's Invoke from now on; `callers` maps access key ids to functions."""
        self._callers = callers
        self._lambda = lambda_api

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Log the call and answer it; one of DynamoDB is logged once it is served, with the units that it took."""
        call = read_call(environ, _peek(environ))
        environ[_CALL] = call
        if call.access_key == self._own_access_key or call.access_key in self._unlogged:
            return self._serve(call, environ, start_response)
        record = self._record(call, environ)
        if not call.action.startswith("dynamodb:"):
            self._log.write(record)
            return self._serve(call, environ, start_response)
        units = ask_for_units(environ, call.action, call.request)
        try:
            return self._serve(call, environ, start_response)
        finally:
            self._log.write({**record, **units.as_record()})

    def _serve(self, call: AwsCall, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        try:
            if call.action.startswith("s3:"):
                return self._s3(environ, start_response)
            return self._judged(self._named, environ, start_response)
        except (NotImplementedError, ModuleNotFoundError):
            # Some services need packages that nothing of Fermata needs.
            return missing_call(call, environ)(environ, start_response)

    def _checked_s3(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """S3 without links that have ended and forms that violate their policy."""
        instant = self._clock()
        refusal = refused_upload(environ, instant) if is_upload_form(environ) else refused_link(environ, instant)
        if refusal is not None:
            return refusal(environ, start_response)
        return self._judged(self._moto, environ, start_response)

    def _named(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """All services but S3."""
        name = invoked_function(environ["REQUEST_METHOD"], environ["PATH_INFO"])
        if name is not None and self._lambda is not None:
            return self._lambda.invoke(name, environ)(environ, start_response)
        return self._moto(environ, start_response)

    def _judged(
        self, serve: "WSGIApplication", environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        if self._gate is None:
            return serve(environ, start_response)
        return self._gate.serve(environ[_CALL], serve, environ, start_response)

    def _record(self, call: AwsCall, environ: "WSGIEnvironment") -> dict[str, object]:
        length = environ.get("CONTENT_LENGTH", "")
        return {
            "time": now(),
            "function": self._callers.get(call.access_key or ""),
            "action": call.action,
            "resource": call.resource,
            "items": call.items,
            "bytes": int(length) if length.isdigit() else 0,
        }


def _peek(environ: "WSGIEnvironment") -> bytes:
    """Return a small body that names a resource, and restore the stream; empty for uploads and payloads."""
    if "HTTP_X_AMZ_TARGET" not in environ and "x-www-form-urlencoded" not in environ.get("CONTENT_TYPE", ""):
        return b""
    length = environ.get("CONTENT_LENGTH", "")
    if not length.isdigit() or int(length) > _MAX_READ_BYTES:
        return b""
    body = bytes(environ["wsgi.input"].read(int(length)))
    environ["wsgi.input"] = io.BytesIO(body)
    return body
