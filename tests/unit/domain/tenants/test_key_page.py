"""Pages of a tenant's keys."""

import base64
from datetime import timedelta

import pytest

from fermata.domain.tenants.api_keys import ApiKey, new_api_key
from fermata.domain.tenants.key_page import KeyPage, parse_key_page
from fermata.errors import InvalidRequestError
from tests.fakes.clock import NOON

# Two keys of each instant, because a key's id decides among those.
KEYS = [new_api_key("acme", NOON + timedelta(milliseconds=number // 2), bytes([number] * 25))[1] for number in range(9)]
NEWEST_FIRST = sorted(KEYS, key=lambda key: (key.created_at, key.key_id), reverse=True)


def pages(keys: list[ApiKey], limit: str) -> list[list[ApiKey]]:
    found: list[list[ApiKey]] = []
    cursor: str | None = None
    while True:
        parameters = {"limit": limit} if cursor is None else {"limit": limit, "cursor": cursor}
        shown, cursor = parse_key_page("acme", parameters).of(keys)
        found.append(shown)
        if cursor is None:
            return found


@pytest.mark.parametrize("limit", ["1", "2", "4", "8", "9", "100"])
def test_each_key_stands_on_one_page_newest_first(limit: str) -> None:
    found = pages(KEYS, limit)
    assert [key for page in found for key in page] == NEWEST_FIRST
    assert {len(page) for page in found[:-1]} <= {int(limit)}


def test_no_keys_are_one_empty_page() -> None:
    assert KeyPage("acme").of([]) == ([], None)


def test_a_place_holds_although_its_key_is_gone_and_new_ones_came() -> None:
    shown, cursor = parse_key_page("acme", {"limit": "3"}).of(KEYS)
    assert cursor is not None
    newer = new_api_key("acme", NOON + timedelta(seconds=1), bytes(range(25)))[1]
    left = [newer, *(key for key in KEYS if key != shown[-1])]
    assert parse_key_page("acme", {"cursor": cursor}).of(left)[0] == NEWEST_FIRST[3:]


@pytest.mark.parametrize("limit", ["0", "101", "1.5", "-1", "", "many", "\u0665", "0001"])
def test_a_limit_is_a_whole_number_up_to_a_hundred(limit: str) -> None:
    with pytest.raises(InvalidRequestError, match="/limit: must be a whole number from 1 to 100"):
        parse_key_page("acme", {"limit": limit})


def test_a_cursor_of_another_tenant_or_of_no_list_is_refused() -> None:
    _, theirs = KeyPage("other", 1).of(KEYS)
    mine = KeyPage("acme", 1).of(KEYS)[1]
    assert theirs is not None
    assert mine is not None
    place = base64.urlsafe_b64decode(mine + "==").decode()
    forged = base64.urlsafe_b64encode(place.replace(place[:3], "999", 1).encode()).decode().rstrip("=")
    for cursor in (theirs, forged, mine[:-1], mine + "A", "", "=", "ä", "!" * 2000):
        with pytest.raises(InvalidRequestError, match="/cursor: must be the next_cursor"):
            parse_key_page("acme", {"cursor": cursor})


def test_both_wrong_parameters_are_named() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parse_key_page("acme", {"limit": "x", "cursor": "x"})
    assert [field.pointer for field in caught.value.fields] == ["/limit", "/cursor"]
