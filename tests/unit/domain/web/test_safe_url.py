"""Which links may be called: a provider's, with and without a list of hosts, and a caller's."""

from ipaddress import IPv6Address, ip_network

import pytest

from fermata.domain.web.safe_url import check_link, check_public_link, is_global_address, is_public_link
from fermata.errors import UnsafeLinkError

HOSTS = ("audio.example.com", ".cdn.example.net")
TRUSTED = frozenset({"http://127.0.0.1:9000"})


@pytest.mark.parametrize(
    ("url", "host", "target"),
    [
        ("https://audio.example.com/a.mp3", "audio.example.com", "/a.mp3"),
        ("https://audio.example.com:443/a.mp3", "audio.example.com", "/a.mp3"),
        ("https://AUDIO.Example.COM/A.mp3", "audio.example.com", "/A.mp3"),
        ("HTTPS://audio.example.com/a", "audio.example.com", "/a"),
        ("https://eu.cdn.example.net/a", "eu.cdn.example.net", "/a"),
        ("https://a.b.cdn.example.net/a", "a.b.cdn.example.net", "/a"),
        ("https://audio.example.com", "audio.example.com", "/"),
        ("https://audio.example.com?sig=1", "audio.example.com", "/?sig=1"),
        ("https://audio.example.com/a#part", "audio.example.com", "/a"),
        ("https://audio.example.com/a%2Fb//c/../d;e?x=%2f&y=a+b%20c~'", "audio.example.com", None),
        ("https://audio.example.com/a?next=https://evil.example/", "audio.example.com", None),
        ("https://audio.example.com/a?", "audio.example.com", "/a?"),
    ],
)
def test_a_listed_host_is_called_byte_for_byte(url: str, host: str, target: str | None) -> None:
    found = check_link(url, HOSTS, TRUSTED)
    assert (found.host, found.port, found.trusted) == (host, 443, False)
    assert found.target == (target or url.partition("example.com")[2])


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://audio.example.com/a", id="http"),
        pytest.param("https://audio.example.com:8443/a", id="another_port"),
        pytest.param("https://audio.example.com:80/a", id="port_80"),
        pytest.param("https://audio.example.com:/a", id="empty_port"),
        pytest.param("https://audio.example.com:0/a", id="port_0"),
        pytest.param("https://audio.example.com:99999/a", id="port_out_of_range"),
        pytest.param("https://audio.example.com:x/a", id="port_is_no_number"),
        pytest.param("ftp://audio.example.com/a", id="ftp"),
        pytest.param("file:///etc/passwd", id="file"),
        pytest.param("//audio.example.com/a", id="no_scheme"),
        pytest.param("audio.example.com/a", id="no_slashes"),
        pytest.param("", id="empty"),
        pytest.param("https://", id="no_host"),
        pytest.param("https:///a", id="no_host_with_a_path"),
        pytest.param("https://evil.example/a", id="not_listed"),
        pytest.param("https://cdn.example.net/a", id="the_bare_name_of_a_dotted_entry"),
        pytest.param("https://evilcdn.example.net/a", id="no_dot_before_the_entry"),
        pytest.param("https://sub.audio.example.com/a", id="subdomain_of_an_exact_entry"),
        pytest.param("https://audio.example.com.evil.example/a", id="listed_name_as_a_prefix"),
        pytest.param("https://audio.example.com./a", id="trailing_dot"),
        pytest.param("https://user@audio.example.com/a", id="user"),
        pytest.param("https://user:password@audio.example.com/a", id="password"),
        pytest.param("https://audio.example.com@evil.example/a", id="listed_name_as_a_user"),
        pytest.param("https://evil.example\\@audio.example.com/a", id="backslash"),
        pytest.param("https://audio.example.com\\.evil.example/a", id="backslash_in_the_host"),
        pytest.param("https://audio.example.com/a b", id="space"),
        pytest.param("https://audio.example.com/a\r\nHost: evil", id="line_break"),
        pytest.param("https://audio.example.com\t/a", id="tab"),
        pytest.param("https://audio.exämple.com/a", id="not_ascii"),
        pytest.param("https://audio.example.com/\x00", id="nul"),
        pytest.param("https://audio%2eexample.com/a", id="escaped_host"),
        pytest.param("https://127.0.0.1/a", id="loopback"),
        pytest.param("https://2130706433/a", id="decimal"),
        pytest.param("https://0177.0.0.1/a", id="octal"),
        pytest.param("https://0x7f.1/a", id="hexadecimal"),
        pytest.param("https://[::1]/a", id="ipv6_loopback"),
        pytest.param("https://[::ffff:127.0.0.1]/a", id="ipv4_mapped"),
        pytest.param("https://[::1", id="open_bracket"),
        pytest.param("https://169.254.169.254/latest/meta-data", id="metadata"),
        pytest.param("http://127.0.0.1:9001/a", id="another_port_of_a_trusted_host"),
        pytest.param("https://127.0.0.1:9000/a", id="another_scheme_of_a_trusted_origin"),
        pytest.param("http://127.0.0.1/a", id="trusted_host_without_its_port"),
        pytest.param("http://localhost:9000/a", id="another_name_of_a_trusted_host"),
        pytest.param("http://x@127.0.0.1:9000/a", id="user_at_a_trusted_origin"),
        pytest.param("http://127.0.0.1:09000/a", id="trusted_port_spelled_otherwise"),
    ],
)
def test_anything_else_is_refused(url: str) -> None:
    with pytest.raises(UnsafeLinkError):
        check_link(url, HOSTS, TRUSTED)


def test_an_exact_trusted_origin_passes() -> None:
    found = check_link("http://127.0.0.1:9000/a%2Fb?c", HOSTS, TRUSTED)
    assert (found.host, found.port, found.target, found.trusted) == ("127.0.0.1", 9000, "/a%2Fb?c", True)


@pytest.mark.parametrize(
    "url",
    [
        "https://audio.example.com/a",
        "https://any-cdn.example.org/a",
        "https://bucket_of_songs.cdn.example.org/a",
        "https://93.184.216.34/a",
        "https://[2606:2800:220:1:248:1893:25c8:1946]/a",
        "https://xn--u9jt83jbd5b.example/a",
    ],
)
def test_without_a_list_any_public_host_passes(url: str) -> None:
    assert not check_link(url, (), TRUSTED).trusted


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/a", "http://127.0.0.1/a", "http://[::1]:8080/a", "HTTP://LOCALHOST:5/"]
)
def test_an_origin_with_a_star_is_trusted_at_every_port(url: str) -> None:
    assert check_public_link(url, {"http://127.0.0.1:*", "http://[::1]:*", "http://localhost:*"}).trusted


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1:8443/a",
        "http://127.0.0.2:80/a",
        "http://x@127.0.0.1:80/a",
        "http://127.0.0.1.evil.example:80/a",
        "http://evil.example:80/?http://127.0.0.1:*",
        "http://127.1:80/a",
    ],
)
def test_an_origin_with_a_star_is_trusted_for_its_scheme_and_host_only(url: str) -> None:
    assert not is_public_link(url, {"http://127.0.0.1:*"})


def test_a_host_outside_the_list_is_refused_by_name() -> None:
    with pytest.raises(UnsafeLinkError) as caught:
        check_link("https://any-cdn.example.org/a", HOSTS, TRUSTED)
    assert caught.value.unlisted_host == "any-cdn.example.org"
    assert str(caught.value) == "any-cdn.example.org is not among the hosts that audio may be fetched from"


def test_only_a_host_that_is_not_on_the_list_is_called_unlisted() -> None:
    with pytest.raises(UnsafeLinkError) as caught:
        check_link("https://127.0.0.1/a", (), TRUSTED)
    assert caught.value.unlisted_host is None


@pytest.mark.parametrize(
    "url", ["https://evil.example/secret?sig=canary", "http://audio.example.com/secret?sig=canary", "x://u:canary@h/"]
)
def test_a_refusal_names_the_host_and_never_the_path_or_query(url: str) -> None:
    with pytest.raises(UnsafeLinkError) as caught:
        check_link(url, HOSTS, TRUSTED)
    assert "canary" not in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "1.1.1.1",
        "2001:4860:4860::8888",
        "2600:9000:2000::1",
        "2a00:1450:4001::1",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
    ],
)
def test_a_public_address_is_global(address: str) -> None:
    assert is_global_address(address)


SPECIAL = (
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"),
    *("192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24"),
    *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    *("::/128", "::1/128", "::/96", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64", "2001::/23", "2001::/32"),
    *("2001:1::1/128", "2001:1::2/128", "2001:1::3/128", "2001:2::/48", "2001:3::/32", "2001:4:112::/48"),
    *("2001:10::/28", "2001:20::/28", "2001:30::/28", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"),
    *("5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8", "4000::/3", "e000::/4"),
)
"""What IANA's registries of special-purpose addresses list, and what is set aside beside them."""


@pytest.mark.parametrize("network", SPECIAL)
def test_no_address_of_a_special_purpose_network_is_global(network: str) -> None:
    block = ip_network(network)
    for address in (block[0], block[block.num_addresses // 2], block[-1]):
        assert not is_global_address(str(address))


@pytest.mark.parametrize("network", [network for network in SPECIAL if "." in network])
def test_a_special_ipv4_address_is_not_global_however_ipv6_wraps_it(network: str) -> None:
    block = ip_network(network)
    for number in (int(block[0]), int(block[-1])):
        for prefix in ("::ffff:0:0", "64:ff9b::", "::"):
            assert not is_global_address(str(IPv6Address(int(IPv6Address(prefix)) + number)))


@pytest.mark.parametrize(
    "address",
    [
        *("9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0"),
        *("192.31.195.255", "192.31.197.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "2001:200::", "2003::"),
        *("2001:db7:ffff::1", "2001:db9::", "3ffe:ffff::1", "3fff:1000::", "2620:4f:7fff::1", "2620:4f:8001::"),
    ],
)
def test_the_neighbours_of_special_purpose_networks_are_global(address: str) -> None:
    assert is_global_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "2002:808:808::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "64:ff9b:1::808:808",
        "::8.8.8.8",
        "2001:4860:4860::8888%1",
        "fe80::1%1",
    ],
)
def test_a_tunnel_or_a_zone_is_not_global_although_the_address_inside_is(address: str) -> None:
    assert not is_global_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",  # noqa: S104 - an address to refuse
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "233.252.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "ff0e::1",
        "2001:db8::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2002:a00:1::1",
    ],
)
def test_a_private_reserved_or_disguised_address_is_not_global(address: str) -> None:
    assert not is_global_address(address)


@pytest.mark.parametrize(
    "url",
    [
        "https://files.example.org/a.mp3?sig=1",
        "https://FILES.example.org:443/a",
        "https://93.184.216.34/a",
        "https://[2606:2800:220:1:248:1893:25c8:1946]/a",
        "https://7digital.example.org/a",
        "https://123.example.org/a",
    ],
)
def test_a_caller_may_link_to_any_public_host(url: str) -> None:
    found = check_public_link(url, TRUSTED)
    assert (found.port, found.trusted) == (443, False)


def test_a_callers_link_to_a_trusted_origin_is_trusted() -> None:
    assert check_public_link("http://127.0.0.1:9000/a", TRUSTED).trusted


@pytest.mark.parametrize(
    "url",
    [
        "http://files.example.org/a",
        "https://files.example.org:444/a",
        "https://user@files.example.org/a",
        "https://localhost/a",
        "https://localhost./a",
        "https://./a",
        "https://internal/a",
        "https://127.0.0.1/a",
        "https://127.0.0.1./a",
        "https://[::1]/a",
        "https://[64:ff9b::7f00:1]/a",
        "https://127.1/a",
        "https://0x7f.1/a",
        "https://0X7F000001/a",
        "https://017700000001/a",
        "https://2130706433/a",
        "https://example.0x/a",
        "https://files..example.org/a",
        "https://files.example.org../a",
        f"https://{'a' * 64}.example.org/a",
        "http://127.0.0.1:9001/a",
    ],
)
def test_no_caller_may_link_to_what_is_or_may_be_read_as_a_private_address(url: str) -> None:
    with pytest.raises(UnsafeLinkError):
        check_public_link(url, TRUSTED)
    with pytest.raises(UnsafeLinkError):
        check_link(url, (), TRUSTED)


@pytest.mark.parametrize(
    "url",
    [
        " https://files.example.org/a",
        "https://files.example.org/a b",
        "https://files.example.org/夜",
        "https://files.example.org/a\n",
        "https://夜.example.org/a",
        "https://a_b.example.org/a",
        "https://files.example.org/a#b",
        "https://files.example.org\\a",
    ],
)
def test_a_callers_link_is_taken_as_it_is_or_not_at_all(url: str) -> None:
    assert not is_public_link(url, TRUSTED)
