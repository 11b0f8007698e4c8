"""GET and HEAD /console and the files below it: public, because a page asks for the API key itself."""

from pathlib import Path
from typing import Any, Final

from fermata.api.static_files import StaticFiles, page_policy
from fermata.variables import variable

FILES: Final = StaticFiles(Path(__file__).with_name("assets"))
_START: Final = "index.html"


def lambda_handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """The console's page, also at `/console/`, one of its files, 304 for a copy that is still current, or 404."""
    name = (event.get("pathParameters") or {}).get("path") or _START
    return FILES.answer(name, event, page_policy(variable("AUDIO_ORIGIN"), variable("LIVE_URL")))
