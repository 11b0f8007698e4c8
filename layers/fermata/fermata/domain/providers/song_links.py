"""Matches the links of a newer answer with the songs of an order. Pure.

Answers number songs only by position, and a later answer may list them in another order or omit some. Each answer signs
its links anew, but mostly only in their query.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence


def numbers_of_links(
    known: Mapping[int, str], found: Mapping[int, str], numbers: Sequence[int], awaited: Sequence[int] = ()
) -> dict[int, int]:
    """The song's number for each link of a newer answer, by its position there. `known` are the recorded links by
    number, `numbers` all song numbers, at least as many as links, and `awaited` the songs that need new links.

    An equal link is the same song, and so is a link that differs only in query or fragment, if unambiguous. Any other
    link belongs to the song at its position or, if the answer is shorter than the record, to an awaited song.
    """
    matched = _matched(known, found, lambda link: link)
    matched |= _matched(_without(known, matched.values()), _without(found, matched), _bare)
    is_short = len(found) < len(known)
    for place in _without(found, matched):
        free = [number for number in numbers if number not in matched.values()]
        wanted = [number for number in free if number in awaited] or free
        takes_its_place = place in wanted or (place in free and not is_short)
        matched[place] = place if takes_its_place else wanted[0]
    return matched


def _matched(known: Mapping[int, str], found: Mapping[int, str], name: Callable[[str], str]) -> dict[int, int]:
    """Positions and numbers of links with equal names, for names that are unique on each side."""
    is_known, is_found = Counter(map(name, known.values())), Counter(map(name, found.values()))
    by_name = {name(link): number for number, link in known.items() if is_known[name(link)] == 1}
    return {
        place: by_name[name(link)]
        for place, link in found.items()
        if is_found[name(link)] == 1 and name(link) in by_name
    }


def _without(links: Mapping[int, str], taken: Iterable[int]) -> dict[int, str]:
    gone = set(taken)
    return {number: link for number, link in links.items() if number not in gone}


def _bare(link: str) -> str:
    return link.strip().partition("#")[0].partition("?")[0]
