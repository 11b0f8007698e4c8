"""Pages of a tenant's keys, newest first: query parameters and cursors."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fermata.domain.tenants.api_keys import ApiKey
from fermata.domain.web.cursors import cursor_of, place_in, wrong_limit
from fermata.errors import FieldError, InvalidRequestError

DEFAULT_LIMIT: Final = 20
LONGEST_LIMIT: Final = 100

_PLACE: Final = re.compile(r"([0-9]{1,15})\.([a-z2-7]{8})")


@dataclass(frozen=True)
class KeyPage:
    """One page: at most `limit` keys, all older than the place `before`, which need not exist any more."""

    tenant_id: str
    limit: int = DEFAULT_LIMIT
    before: tuple[int, str] | None = None

    def of(self, keys: Sequence[ApiKey]) -> tuple[list[ApiKey], str | None]:
        """The page's keys among all of the tenant's, and the cursor of the next page, None on the last."""
        rest = sorted(keys, key=_place, reverse=True)
        if self.before is not None:
            before = self.before
            rest = [key for key in rest if _place(key) < before]
        shown = rest[: self.limit]
        return shown, self._cursor_after(_place(shown[-1])) if len(rest) > len(shown) else None

    def _cursor_after(self, place: tuple[int, str]) -> str:
        return cursor_of(f"{place[0]}.{place[1]}", self.tenant_id)

    def place_of(self, cursor: str) -> tuple[int, str] | None:
        """The place in a cursor of this tenant's list, or None for any other text."""
        form = _PLACE.fullmatch(place_in(cursor, self.tenant_id) or "")
        return (int(form[1]), form[2]) if form else None


def parse_key_page(tenant_id: str, parameters: Mapping[str, str]) -> KeyPage:
    """The page that the query parameters `limit` and `cursor` request; raises `InvalidRequestError` naming each wrong
    one.
    """
    limit, cursor = parameters.get("limit"), parameters.get("cursor")
    page, wrong = KeyPage(tenant_id), [*wrong_limit(limit, LONGEST_LIMIT)]
    before = None if cursor is None else page.place_of(cursor)
    if cursor is not None and before is None:
        wrong.append(FieldError("/cursor", "must be the next_cursor of a page of this list"))
    if wrong:
        raise InvalidRequestError(wrong)
    return KeyPage(tenant_id, DEFAULT_LIMIT if limit is None else int(limit), before)


def _place(key: ApiKey) -> tuple[int, str]:
    return round(key.created_at.timestamp() * 1000), key.key_id
