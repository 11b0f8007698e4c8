"""The answer to an AWS call that the emulator does not implement, in the form in which AWS's clients read errors."""

import json
from http import HTTPStatus
from importlib.metadata import version
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from werkzeug.wrappers import Response

from local.emulator.aws_calls import AwsCall

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment
    from flask import Flask
    from moto.backends import SERVICE_NAMES

STATUS: Final = 501
"""Not 500, which clients repeat up to ten times."""
_CODE: Final = "NotImplemented"
_XML_SERVICES: Final = frozenset({"cloudfront", "route53"})
"""Those whose clients read errors as XML though they send paths and no forms; S3 has a form of its own."""
_NOT_OF_AWS: Final = frozenset({"instance_metadata", "moto_api"})


def missing_call(call: AwsCall, environ: "WSGIEnvironment") -> Response:
    """Return an error that names the call, as XML to clients that speak it and as JSON to all others."""
    where = f" {call.resource}" if call.resource else ""
    message = f"this laptop's AWS lacks {call.action}{where}: moto {version('moto')} does not implement it"
    service = call.action.partition(":")[0]
    if service == "s3":
        return _xml(f"<Error>{_fields(message)}</Error>")
    if service == "ec2":
        return _xml(f"<Response><Errors><Error>{_fields(message)}</Error></Errors></Response>")
    if service in _XML_SERVICES or "x-www-form-urlencoded" in environ.get("CONTENT_TYPE", ""):
        return _xml(f"<ErrorResponse><Error>{_fields(message)}</Error></ErrorResponse>")
    body = json.dumps({"__type": _CODE, "message": message})
    return Response(body, STATUS, {"x-amzn-errortype": _CODE}, content_type="application/json")


def dispatcher() -> "WSGIApplication":
    """Return the emulator's application, which raises `NotImplementedError` for calls that it lacks: those of services
    that it does not know, and those whose path it does not know.
    """
    # Imported late, because moto's server takes a second to import.
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    class Dispatcher(DomainDispatcherApplication):
        def get_backend_for_host(self, host: str | None) -> object:
            """Return the service at a host; raises `NotImplementedError` for a service that the emulator lacks."""
            known = host is None or "amazonaws.com" not in host
            if not known and not any(pattern.match(f"http://{host}") for _, pattern in self.backend_url_patterns):
                raise NotImplementedError(f"no service at {host}")
            return super().get_backend_for_host(host)

    def create_app(service: "SERVICE_NAMES") -> "Flask":
        app: Flask = create_backend_app(service)
        if service not in _NOT_OF_AWS:
            app.register_error_handler(HTTPStatus.NOT_FOUND, _unknown_path)
        return app

    application: WSGIApplication = Dispatcher(create_app)
    return application


def _unknown_path(error: Exception) -> Response:
    """Raise `NotImplementedError` where no path fits, which the emulator's own answers of 404 never are.

    Without it Flask answers with an HTML page, in which clients find neither a code nor a message.
    """
    raise NotImplementedError("no such path") from error


def _fields(message: str) -> str:
    return f"<Code>{_CODE}</Code><Message>{escape(message)}</Message>"


def _xml(body: str) -> Response:
    return Response(f'<?xml version="1.0" encoding="UTF-8"?>{body}', STATUS, content_type="text/xml")
