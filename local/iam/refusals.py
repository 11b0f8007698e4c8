"""How AWS says that something is not allowed, in the protocol of each service."""

import json
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from werkzeug.wrappers import Response

from local.emulator.s3.refusal import refusal as refusal_of_s3

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_CODE: Final = "AccessDenied"
_JSON_CODE: Final = "AccessDeniedException"


def access_denied(service: str, environ: "WSGIEnvironment", message: str) -> Response:
    """Return AWS's answer to a call for which a right is missing."""
    if service == "s3":
        return refusal_of_s3(403, _CODE, message)
    if "x-www-form-urlencoded" in environ.get("CONTENT_TYPE", ""):
        error = f"<Type>Sender</Type><Code>{_CODE}</Code><Message>{escape(message)}</Message>"
        body = f'<?xml version="1.0" encoding="UTF-8"?><ErrorResponse><Error>{error}</Error></ErrorResponse>'
        return Response(body, 403, content_type="text/xml")
    # Services with paths, such as Lambda, answer 403; those with a target header 400.
    status = 400 if "HTTP_X_AMZ_TARGET" in environ else 403
    body = json.dumps({"__type": _JSON_CODE, "message": message, "Message": message})
    return Response(body, status, {"x-amzn-ErrorType": _JSON_CODE}, content_type="application/json")
