"""Links as browsers take them: what is stripped or encoded, what stays byte for byte, and where a `Location` leads."""

import re
from urllib.parse import urlsplit

import idna
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fermata.domain.web.clean_url import clean_link, location_text, resolve_location
from fermata.domain.web.safe_url import check_link
from fermata.errors import UnsafeLinkError

HOST = "https://cdn.example.com"
PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))


def in_ascii(name: str) -> str:
    return idna.encode(name, uts46=True).decode()


def cleaned(url: str) -> str:
    return clean_link(url, in_ascii)


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        # Surrounding white space, and line ends that a copy left inside.
        ("  /a", "/a"),
        ("/a \r\n", "/a"),
        ("/a\u00a0\u3000\u2028", "/a"),
        ("\ufeff/a\u200b", "/a"),
        ("/a\nb\tc\rd?e\r\n=f", "/abcd?e=f"),
        # Spaces and everything beyond ASCII.
        ("/My Song.mp3", "/My%20Song.mp3"),
        ("/a?name=My Song", "/a?name=My%20Song"),
        ("/夜の雨.mp3", "/%E5%A4%9C%E3%81%AE%E9%9B%A8.mp3"),
        ("/a?name=é🎵", "/a?name=%C3%A9%F0%9F%8E%B5"),
        ("/e\u0301", "/e%CC%81"),
        ("/a\u00a0b\u200bc", "/a%C2%A0b%E2%80%8Bc"),
        ("/\ud83c", "/%EF%BF%BD"),
        # What browsers encode, in the path and in the query.
        ('/"<>^`{}', "/%22%3C%3E%5E%60%7B%7D"),
        ("/a?\"<>'", "/a?%22%3C%3E%27"),
        # What they do not.
        ("/%2F%252F%20%e9%zz%", "/%2F%252F%20%e9%zz%"),
        ("/a+b?c+d&&=;,", "/a+b?c+d&&=;,"),
        ("/(a)'!*~,;:@$|[]", "/(a)'!*~,;:@$|[]"),
        ("/a?p=[a]|b{c}^`(!*)~", "/a?p=[a]|b{c}^`(!*)~"),
        ("/a//b/./c/../d/%2e%2E/", "/a//b/./c/../d/%2e%2E/"),
        ("/a?X-Amz-Signature=x%252Fy%2Bz%3D%3D", "/a?X-Amz-Signature=x%252Fy%2Bz%3D%3D"),
        ("/a?url=https://夜.example/?b", "/a?url=https://%E5%A4%9C.example/?b"),
        ("?a b", "?a%20b"),
        ("/a?", "/a?"),
        ("", ""),
        # A fragment is for the browser alone, whatever it holds.
        ("/a?b#t=0,30", "/a?b"),
        ("/a#\\\x00?/", "/a"),
        ("#/a", ""),
    ],
)
def test_a_link_is_cleaned_as_a_browser_does(raw: str, clean: str) -> None:
    before = re.match(r"[\s\ufeff\u200b]*", raw)
    assert before is not None
    assert cleaned(f"{before[0]}{HOST}{raw[before.end() :]}") == HOST + clean


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("夜の雨.example", "xn--u9jt83jbd5b.example"),
        ("Ünï.Example.COM", "xn--n-nga1b.example.com"),
        ("faß.example", "xn--fa-hia.example"),
        ("夜。example", "xn--ess.example"),
        ("ex\u00adample.com", "example.com"),
        ("\uff45xample.com:443", "example.com:443"),
        ("xn--ess.example", "xn--ess.example"),
        ("CDN.Example.com", "CDN.Example.com"),
    ],
)
def test_a_host_name_outside_ascii_is_resolved_as_idna(name: str, host: str) -> None:
    assert cleaned(f"https://{name}/夜") == f"https://{host}/%E5%A4%9C"


@pytest.mark.parametrize(
    "url",
    [
        pytest.param(f"{HOST}/a\x00", id="nul"),
        pytest.param(f"{HOST}/a\x1b[0m", id="escape"),
        pytest.param(f"{HOST}/a\x0bb", id="vertical_tab"),
        pytest.param(f"{HOST}/a?b\x7f", id="delete"),
        pytest.param(f"{HOST}/a\x85b", id="c1"),
        pytest.param(f"{HOST}\\@evil.example/", id="backslash_in_the_host"),
        pytest.param(f"{HOST}/a\\b", id="backslash_in_the_path"),
        pytest.param(f"{HOST}/a?b\\c", id="backslash_in_the_query"),
        pytest.param("https://夜..example/", id="empty_label"),
        pytest.param(f"https://{'夜' * 64}.example/", id="long_label"),
        pytest.param("https://x\uff0fy.example/", id="slash_in_disguise"),
        pytest.param("https://user\uff20evil.example/", id="at_in_disguise"),
        pytest.param("https://ü@evil.example/", id="user_outside_ascii"),
        pytest.param("https://user@夜.example/", id="user"),
        pytest.param("https://℀.example/", id="a_character_that_stands_for_a_slash"),
        pytest.param("https://夜 .example/", id="space_in_the_name"),
        pytest.param("https://\ud800.example/", id="lone_surrogate_in_the_name"),
    ],
)
def test_characters_that_no_name_or_path_can_contain_are_refused(url: str) -> None:
    with pytest.raises(UnsafeLinkError):
        cleaned(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://\uff11\uff12\uff17.0.0.1/a",
        "https://①②⑦.0.0.1/a",
        "https://127。0。0。1/a",
        "https://\uff4cocalhost/a",
        "https://0\uff587f.1/a",
        "https://cdn.example.com\uff1a8443/a",
        "https://cdn.example.com:\uff14\uff14\uff13/a",
        "https://169.254.169.\uff1254/latest/meta-data",
        "https://[\uff1a\uff1a1]/a",
        "ht\ntp://cdn.example.com/a",
        "https://127.0.\n0.1/a",
        "https://夜.example:8443/a",
        "夜://cdn.example.com/",
        "https:cdn.example.com/",
        "https:///cdn.example.com/",
        "cdn.example.com/a",
        " ",
    ],
)
def test_a_disguised_private_address_is_refused_by_the_guard_that_checks_the_clean_link(url: str) -> None:
    with pytest.raises(UnsafeLinkError):
        check_link(cleaned(url), (), frozenset())


# ---- properties

HOSTS = st.sampled_from(
    ["cdn.example.com", "CDN.Example.com:443", "夜.example", "faß.example", "93.184.216.34", "a_b.co"]
)
AWKWARD = st.text(
    st.sampled_from("/?#@:.%\\[]&=+ \t\r\n\x00\x85\u00a0\u3000\ufeff\u200b夜é\uff0f\uff20。\uff11aA0\"<>'`{}^|~"),
    max_size=20,
)
LINKS = st.builds("{}https://{}{}{}".format, AWKWARD, HOSTS, AWKWARD | st.text(max_size=20), AWKWARD)


@given(LINKS | AWKWARD | st.text())
def test_a_clean_link_is_ascii_and_stays_as_it_is(url: str) -> None:
    try:
        clean = cleaned(url)
    except UnsafeLinkError:
        return
    assert cleaned(clean) == clean
    host = re.match(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?(?://[^/?]*)?", clean)
    assert host is not None
    assert set(clean[host.end() :]) <= set(PRINTABLE)


@given(st.text(st.sampled_from(sorted(set(PRINTABLE) - set("#\\\"<>^`{}'")))))
def test_a_link_that_is_clean_is_not_touched(rest: str) -> None:
    assert cleaned(f"{HOST}/{rest}") == f"{HOST}/{rest}"


def host_that_a_browser_calls(url: str) -> str | None:
    """The host of an https link by the URL Standard's parser (states "scheme start" to "host"), written on its own."""
    text = url.strip("".join(map(chr, range(0x21)))).replace("\t", "").replace("\n", "").replace("\r", "")
    scheme, colon, rest = text.partition(":")
    if scheme.lower() != "https" or not colon:
        return None
    authority = re.split(r"[/\\?#]", rest.lstrip("/\\"), maxsplit=1)[0].rpartition("@")[2]
    name = re.sub(r":[0-9]*$", "", authority)
    try:
        return in_ascii(name) if not name.isascii() else name.lower()
    except ValueError:
        return None


@given(LINKS)
@example("https://cdn.example.com\\@evil.example/")
@example("https://cdn.example.com\t@evil.example/")
@example("https://cdn.example.com#@evil.example/")
@example("https://cdn.example.com?@evil.example/")
@example("https:\n//cdn.example.com/")
def test_a_clean_link_reaches_no_other_host_than_a_browser_would(url: str) -> None:
    try:
        target = check_link(cleaned(url), (), frozenset())
    except UnsafeLinkError:
        return
    # A browser strips no white space beyond ASCII; behind a host it makes the link unreadable.
    browsers = host_that_a_browser_calls(url.strip("\u00a0\u3000\ufeff\u200b\x85 \t\r\n"))
    assert target.host == browsers
    assert urlsplit(target.url).hostname == browsers


# ---- redirects


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"/a b", "/a b"),
        ("/夜?é".encode(), "/夜?é"),
        ("/Été.mp3?é".encode("latin-1"), "/%C9t%E9.mp3?%E9"),
        ("/雨".encode("shift_jis"), "/%89J"),
        ("/é".encode() + b"\xe9", "/%C3%A9%E9"),
    ],
)
def test_a_location_keeps_the_bytes_that_the_server_wrote(value: bytes, text: str) -> None:
    assert location_text(value) == text


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("https://b.example/x%2Fy?", "https://b.example/x%2Fy?"),
        ("HTTP://127.0.0.1:1/a", "HTTP://127.0.0.1:1/a"),
        ("//evil.example/c", "https://evil.example/c"),
        ("///evil.example/c", "https:///evil.example/c"),
        ("/c?d", "https://audio.example.com/c?d"),
        ("/c?", "https://audio.example.com/c?"),
        ("/a//b/../c;d/./e", "https://audio.example.com/a//b/../c;d/./e"),
        ("c", "https://audio.example.com/a/c"),
        ("c/../d//e?f=../g", "https://audio.example.com/a/c/../d//e?f=../g"),
        ("./c", "https://audio.example.com/a/c"),
        ("../c", "https://audio.example.com/c"),
        ("../../../c?d", "https://audio.example.com/c?d"),
        ("..", "https://audio.example.com/"),
        (".?c", "https://audio.example.com/a/?c"),
        ("?c=/d", "https://audio.example.com/a/b?c=/d"),
        ("c?d=//e", "https://audio.example.com/a/c?d=//e"),
        ("", "https://audio.example.com/a/b?sig=1"),
        ("file:///etc/passwd", "file:///etc/passwd"),
        ("https:c", "https:c"),
    ],
)
def test_a_redirect_leads_where_its_location_says(location: str, url: str) -> None:
    assert resolve_location("https://audio.example.com/a/b?sig=1", location) == url


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://audio.example.com", "https://audio.example.com/c"),
        ("https://audio.example.com?x=/y/", "https://audio.example.com/c"),
        ("https://audio.example.com/", "https://audio.example.com/c"),
        ("https://audio.example.com/a/", "https://audio.example.com/a/c"),
    ],
)
def test_a_relative_location_is_beside_the_path_of_the_link(base: str, url: str) -> None:
    assert resolve_location(base, "c") == url
