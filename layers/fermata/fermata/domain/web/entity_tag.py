"""Tags by which a caller asks for a job only if it looks different from what the caller has."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from pydantic import JsonValue

_MINTED_PER_READING: Final = frozenset({"url", "url_expires_at"})
_OPAQUE: Final = re.compile(r'(?:W/)?"([\x21\x23-\x7e]*)"')


def entity_tag(view: Mapping[str, JsonValue], link_ttl_s: int, now: datetime) -> str:
    """The tag of a job's view: another one once anything but its links differs, and at least twice within the life of
    a link, so that whoever is told "nothing new" has links with half of their life left.

    Weak (RFC 9110, 8.8.1), because two readings under one tag have different links.
    """
    tracks = view["tracks"]
    lasting = [
        {name: value for name, value in track.items() if name not in _MINTED_PER_READING}
        for track in (tracks if isinstance(tracks, list) else [])
        if isinstance(track, dict)
    ]
    window = int(now.timestamp()) // max(1, link_ttl_s // 2) if lasting else None
    text = json.dumps([{**view, "tracks": lasting}, window], sort_keys=True)
    return f'W/"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def is_known(if_none_match: str, tag: str) -> bool:
    """Whether an `If-None-Match` names a tag, by weak comparison, or any at all by `*`. What is no tag is none."""
    return if_none_match.strip() == "*" or _bare(tag) in _OPAQUE.findall(if_none_match)


def _bare(tag: str) -> str:
    return tag.removeprefix("W/").strip('"')
