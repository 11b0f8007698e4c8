"""Links as browsers take them (WHATWG URL Standard, "URL parsing" and "percent-encoded bytes"): what a browser strips
or encodes is stripped or encoded, and everything else stays byte for byte.

Cleaning comes before the address guard, and what was guarded is what is sent.
"""

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

from fermata.errors import UnsafeLinkError

EncodeName = Callable[[str], str]
"""Gives a host name in ASCII (IDNA); raises `ValueError` for one that cannot be a name."""

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
    """A link without surrounding white space and fragment, its path and query in printable ASCII; a clean link stays as
    it is. Raises `UnsafeLinkError` for control characters, backslashes and host names that cannot be written in ASCII.
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
    """A `Location` header's value as text. Bytes that are no UTF-8 are percent-encoded one by one, so that the server
    gets back what it wrote, in whichever character set it thinks.
    """
    try:
        return value.decode()
    except UnicodeDecodeError:
        return _BEYOND_ASCII.sub(lambda byte: b"%%%02X" % byte[0][0], value).decode("ascii")


def resolve_location(base: str, location: str) -> str:
    """Where a clean `Location` leads from the clean link `base`. Dot segments at its beginning climb; none is otherwise
    removed.
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
