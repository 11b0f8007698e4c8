"""Cleans links as browsers do (WHATWG URL Standard, "URL parsing" and "percent-encoded bytes"): strips and encodes the
same characters, and leaves everything else byte for byte.

Cleaning precedes the address guard, and the guarded bytes are the ones sent.
"""

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

from fermata.errors import UnsafeLinkError

EncodeName = Callable[[str], str]
"""Returns a host name in ASCII (IDNA); raises `ValueError` for an invalid name."""

_SURROUNDING: Final = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u200b\u2028\u2029\u202f\u205f\u3000\ufeff"
)
_REMOVED_ANYWHERE: Final = str.maketrans("", "", "\t\r\n")
_REFUSED: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\\]")
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
# The parts of RFC 3986, appendix B; every text has them, perhaps empty.
_PARTS: Final = re.compile(r"([a-z][a-z0-9+.-]*:)?(//[^/?]*)?([^?]*)(.*)", re.IGNORECASE | re.DOTALL)
# The standard's path percent-encode set, and its query set for http and https.
_UNSAFE_IN_PATH: Final = re.compile(r"[^\x21-\x7e]|[\"<>^`{}]")
_UNSAFE_IN_QUERY: Final = re.compile(r"[^\x21-\x7e]|[\"<>']")
_BEYOND_ASCII: Final = re.compile(rb"[\x80-\xff]")


def clean_link(url: str, encode_name: EncodeName) -> str:
    """A link without surrounding white space and fragment, its path and query in printable ASCII; a clean link stays
    unchanged. Raises `UnsafeLinkError` for control characters, backslashes and host names without an ASCII form.
    """
    text = url.strip(_SURROUNDING).translate(_REMOVED_ANYWHERE).partition("#")[0]
    if _REFUSED.search(text):
        raise UnsafeLinkError("a link must not contain control characters or backslashes")
    scheme, authority, path, query = _parts(_SURROGATE.sub("\ufffd", text))
    host = _in_ascii(authority, encode_name)
    if " " in host:
        raise UnsafeLinkError("a link must name a host without spaces")
    return scheme + host + _encoded(path, _UNSAFE_IN_PATH) + _encoded(query, _UNSAFE_IN_QUERY)


def location_text(value: bytes) -> str:
    """A `Location` header's value as text. In a value that is not UTF-8, each byte beyond ASCII is percent-encoded, so
    that the server receives its own bytes back, in any character set.
    """
    try:
        return value.decode()
    except UnicodeDecodeError:
        return _BEYOND_ASCII.sub(lambda byte: b"%%%02X" % byte[0][0], value).decode("ascii")


def resolve_location(base: str, location: str) -> str:
    """The target of a clean `Location`, relative to the clean link `base`. Only dot segments at its beginning are
    resolved.
    """
    scheme, authority, path, _ = _parts(base)
    location_scheme, location_authority, location_path, _ = _parts(location)
    if location_scheme or not location:
        return location or base
    if location_authority:
        return scheme + location
    if location_path.startswith("/"):
        return scheme + authority + location
    path = path or "/"
    if not location_path:
        return scheme + authority + path + location
    return scheme + authority + _below(path[: path.rfind("/") + 1], location)


def _parts(url: str) -> tuple[str, str, str, str]:
    found = _PARTS.fullmatch(url)
    scheme, authority, path, query = found.groups(default="") if found else ("", "", url, "")
    return scheme, authority, path, query


def _below(folder: str, location: str) -> str:
    path, mark, query = location.partition("?")
    while True:
        step, slash, rest = path.partition("/")
        if step not in {".", ".."}:
            return folder + path + mark + query
        if step == "..":
            folder = folder[: folder[:-1].rfind("/") + 1] or "/"
        path = rest if slash else ""


def _in_ascii(authority: str, encode_name: EncodeName) -> str:
    if authority.isascii():
        return authority
    name, colon, port = authority.removeprefix("//").partition(":")
    try:
        return f"//{encode_name(name)}{colon}{port}"
    except ValueError:
        raise UnsafeLinkError(
            "a link must name a host that can be looked up; this name cannot be written in ASCII"
        ) from None


def _encoded(text: str, unsafe: re.Pattern[str]) -> str:
    return unsafe.sub(lambda found: quote(found[0], safe=""), text)
