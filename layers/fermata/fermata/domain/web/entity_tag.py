"""Entity tags for conditional reads of a job."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from pydantic import JsonValue

_MADE_PER_READING: Final = frozenset({"url", "url_expires_at"})
_LINKS_THAT_MAY_COME: Final = frozenset({"subtitles_url", "subtitles_vtt_url", "peaks_url"})
"""Links that are made anew for each reading, of files that not every track has."""
_OPAQUE: Final = re.compile(r'(?:W/)?"([\x21\x23-\x7e]*)"')


def entity_tag(view: Mapping[str, JsonValue], link_ttl_s: int, now: datetime) -> str:
    """The tag of a job's view. It changes whenever anything but the links changes, and at least twice within the life
    of a link, so that a caller that receives 304 has links with half of their life left.

    Weak (RFC 9110, 8.8.1), because two reads with one tag have different links.
    """
    tracks = view["tracks"]
    lasting = [
        {
            name: value is not None if name in _LINKS_THAT_MAY_COME else value
            for name, value in track.items()
            if name not in _MADE_PER_READING
        }
        for track in (tracks if isinstance(tracks, list) else [])
        if isinstance(track, dict)
    ]
    window = int(now.timestamp()) // max(1, link_ttl_s // 2) if lasting else None
    text = json.dumps([{**view, "tracks": lasting}, window], sort_keys=True)
    return f'W/"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def is_known(if_none_match: str, tag: str) -> bool:
    """Whether an `If-None-Match` header matches a tag, by weak comparison or by `*`. Invalid tags are ignored."""
    return if_none_match.strip() == "*" or _bare(tag) in _OPAQUE.findall(if_none_match)


def _bare(tag: str) -> str:
    return tag.removeprefix("W/").strip('"')
