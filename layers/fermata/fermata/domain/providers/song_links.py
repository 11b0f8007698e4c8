"""Which song of an order a link of a newer answer leads to. Pure.

Answers number songs by their places alone, and a later answer may list them in another order or leave some out. A link
is signed anew with each answer, but mostly in its query only.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence


def numbers_of_links(
    known: Mapping[int, str], found: Mapping[int, str], numbers: Sequence[int], awaited: Sequence[int] = ()
) -> dict[int, int]:
    """The number of the song of each link of a newer answer, by its place there. `known` are the links on record by
    number, `numbers` all that there are, at least as many as links, and `awaited` those for which links are looked for.

    The same link is the same song, and so is one that differs in query or fragment only, where that is unambiguous. Any
    other stands for the song at its place, or where the answer is shorter than the record for an awaited one.
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
    """Places and numbers whose links have the same name, where each side has that name once."""
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
