"""The endpoint of all AWS services of the cloud: moto, preceded by Lambda's Invoke and by the check of form uploads."""

import io
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from local.emulator.aws_calls import AwsCall, invoked_function, read_call
from local.emulator.missing_calls import missing_call
from local.emulator.upload_forms import is_upload_form, refused_upload
from local.logs import JsonLines, now
from local.runtime.lambda_api import LambdaApi

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_MAX_READ_BYTES: Final = 1_048_576


class AwsEndpoint:
    """A WSGI application in front of moto's; functions can be invoked after `serve_functions`.

    Every call is logged with the function that made it, except calls that are signed with `own_access_key`.
    """

    def __init__(self, moto: "WSGIApplication", log: JsonLines, own_access_key: str) -> None:
        self._moto, self._log, self._own_access_key = moto, log, own_access_key
        self._lambda: LambdaApi | None = None
        self._callers: Mapping[str, str] = {}

    def serve_functions(self, lambda_api: LambdaApi, callers: Mapping[str, str]) -> None:
        """Answer Lambda's Invoke from now on; `callers` maps access key ids to functions."""
        self._callers = callers
        self._lambda = lambda_api

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Log the call and answer it."""
        call = read_call(environ, _peek(environ))
        if call.access_key != self._own_access_key:
            self._log.write(self._record(call, environ))
        name = invoked_function(environ["REQUEST_METHOD"], environ["PATH_INFO"])
        if is_upload_form(environ) and (refusal := refused_upload(environ, datetime.now(UTC))) is not None:
            return refusal(environ, start_response)
        if name is None or self._lambda is None:
            return self._emulated(call, environ, start_response)
        return self._lambda.invoke(name, environ)(environ, start_response)

    def _emulated(self, call: AwsCall, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        try:
            return self._moto(environ, start_response)
        except (NotImplementedError, ModuleNotFoundError):
            # Some services need packages that nothing of Fermata needs.
            return missing_call(call, environ)(environ, start_response)

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
