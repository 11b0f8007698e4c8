"""Pages of a tenant's keys, newest first: query parameters and cursors."""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fermata.domain.tenants.api_keys import ApiKey
from fermata.errors import FieldError, InvalidRequestError

DEFAULT_LIMIT: Final = 20
LONGEST_LIMIT: Final = 100

_LIMIT: Final = re.compile(r"[0-9]{1,3}")
_CURSOR: Final = re.compile(r"([0-9]{1,15})\.([a-z2-7]{8})\.([0-9a-f]{12})")


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
        # The cursor only names a place and needs no secret; its checksum detects a cursor of another list.
        text = f"{place[0]}.{place[1]}"
        check = hashlib.sha256(f"{self.tenant_id}\n{text}".encode()).hexdigest()[:12]
        return base64.urlsafe_b64encode(f"{text}.{check}".encode()).decode().rstrip("=")

    def place_of(self, cursor: str) -> tuple[int, str] | None:
        """The place in a cursor of this tenant's list, or None for any other text."""
        try:
            text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        except (binascii.Error, ValueError):
            return None
        form = _CURSOR.fullmatch(text)
        if form is None:
            return None
        place = int(form[1]), form[2]
        return place if self._cursor_after(place) == cursor else None


def parse_key_page(tenant_id: str, parameters: Mapping[str, str]) -> KeyPage:
    """The page that the query parameters `limit` and `cursor` request; raises `InvalidRequestError` naming each wrong
    one.
    """
    limit, cursor = parameters.get("limit"), parameters.get("cursor")
    page, wrong = KeyPage(tenant_id), []
    if limit is not None and not (_LIMIT.fullmatch(limit) and 1 <= int(limit) <= LONGEST_LIMIT):
        wrong.append(FieldError("/limit", f"must be a whole number from 1 to {LONGEST_LIMIT}"))
    before = None if cursor is None else page.place_of(cursor)
    if cursor is not None and before is None:
        wrong.append(FieldError("/cursor", "must be the next_cursor of a page of this list"))
    if wrong:
        raise InvalidRequestError(wrong)
    return KeyPage(tenant_id, DEFAULT_LIMIT if limit is None else int(limit), before)


def _place(key: ApiKey) -> tuple[int, str]:
    return round(key.created_at.timestamp() * 1000), key.key_id
