"""S3's way of refusing a request."""

from collections.abc import Mapping
from xml.sax.saxutils import escape

from werkzeug.wrappers import Response


def refusal(status: int, code: str, message: str, details: Mapping[str, str] | None = None) -> Response:
    """An error document of S3 with further elements after the message."""
    elements = {"Code": code, "Message": message, **(details or {})}
    text = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in elements.items())
    document = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{text}</Error>'
    return Response(document, status, content_type="application/xml")
