"""A link of a newer answer belongs to the song whose link it was, wherever the answer lists it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fermata.domain.jobs.songs import Audio, AudioSource
from fermata.domain.providers.song_links import numbers_of_links

A, B, C = "https://cdn.test/a.mp3?s=1", "https://cdn.test/b.mp3?s=1", "https://cdn.test/c.mp3?s=1"
A2, B2 = "https://cdn.test/a.mp3?s=2#t", " https://cdn.test/b.mp3?s=2"
X, Y = "https://new.test/x", "https://new.test/y"
GET_1, GET_2 = "https://cdn.test/get?id=1", "https://cdn.test/get?id=2"
GET_1_NEW, GET_2_NEW = "https://cdn.test/get?id=1&s=2", "https://cdn.test/get?id=2&s=2"

Links = dict[int, str]


@pytest.mark.parametrize(
    ("known", "found", "awaited", "numbers"),
    [
        pytest.param({1: A, 2: B}, {1: B, 2: A}, (), {1: 2, 2: 1}, id="the same links, turned round"),
        pytest.param({1: A, 2: B}, {1: B2, 2: A2}, (), {1: 2, 2: 1}, id="other queries, turned round"),
        pytest.param({1: A, 2: B}, {1: B2}, (), {1: 2}, id="only the second"),
        pytest.param({1: A, 2: B}, {1: B2, 2: X}, (), {1: 2, 2: 1}, id="a new link takes the place that is left"),
        pytest.param({1: A, 2: B}, {1: X, 2: Y}, (2,), {1: 1, 2: 2}, id="new links by their places"),
        pytest.param({1: A, 2: B}, {1: X}, (2,), {1: 2}, id="one new link for the awaited song"),
        pytest.param({1: A, 2: B}, {1: X}, (1, 2), {1: 1}, id="one new link for the first of two"),
        pytest.param({1: A, 2: B}, {2: X}, (1, 2), {2: 2}, id="one new link at the second place"),
        pytest.param({1: A, 2: B}, {1: X}, (), {1: 1}, id="one new link where nothing is awaited"),
        pytest.param({1: A}, {1: A2, 2: X}, (), {1: 1, 2: 2}, id="one song more"),
        pytest.param({1: A}, {1: X, 2: A2}, (), {2: 1, 1: 2}, id="one song more, in front"),
        pytest.param({}, {1: A, 2: B}, (), {1: 1, 2: 2}, id="the first links"),
        pytest.param(
            {1: GET_1, 2: GET_2}, {1: GET_2, 2: GET_1}, (), {1: 2, 2: 1}, id="only the query differs, the same"
        ),
        pytest.param({1: GET_1, 2: GET_2}, {1: GET_1_NEW, 2: GET_2_NEW}, (), {1: 1, 2: 2}, id="only the query differs"),
        pytest.param({1: A, 2: A}, {1: A, 2: A}, (), {1: 1, 2: 2}, id="one link twice"),
    ],
)
def test_links_are_distinguished_by_all_but_query_and_fragment_else_by_their_places(
    known: Links, found: Links, awaited: tuple[int, ...], numbers: dict[int, int]
) -> None:
    assert numbers_of_links(known, found, (1, 2), awaited) == numbers


LINKS = st.dictionaries(st.integers(1, 4), st.sampled_from([A, A2, B, B2, C, X, Y, GET_1, GET_2]))


@given(LINKS, LINKS, st.lists(st.integers(1, 4)))
def test_every_link_gets_a_number_of_its_own(known: Links, found: Links, awaited: list[int]) -> None:
    numbers = numbers_of_links(known, found, range(1, 5), awaited)
    assert set(numbers) == set(found)
    assert len(set(numbers.values())) == len(found)
    assert set(numbers.values()) <= {1, 2, 3, 4}


@given(LINKS, LINKS)
def test_no_known_song_loses_its_link_and_none_appears_beyond_the_longer_answer(known: Links, found: Links) -> None:
    before, newer = behind(known), behind(found)
    after = before.with_newer(newer)
    assert after.songs == max(before.songs, newer.songs)
    assert set(known) <= set(after.numbers)
    assert set(found.values()) <= set(after.links)


def behind(links: Links) -> Audio:
    without = tuple(number for number in range(1, max(links, default=0) + 1) if number not in links)
    in_order = tuple(links[number] for number in sorted(links))
    return Audio(source=AudioSource.LINKS, links=in_order, without_link=without)
