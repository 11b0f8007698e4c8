"""GET /v1/live/{token}/playlist.m3u8 and its pieces: public, for players on any page."""

from aws_lambda_powertools.event_handler import Response

from fermata.api import answers, live_answers, resolver
from fermata.use_cases.live.read_live import link_to_piece, read_playlist
from fermata.wiring.live import read_live_ports

api = resolver.create_api(None)
lambda_handler = live_answers.open_to_pages(resolver.entry_point(api))


@api.get("/v1/live/<token>/playlist.m3u8")
def get_playlist(token: str) -> Response[str]:
    """The playlist so far, or 404 for any address at which nothing is heard."""
    return live_answers.playlist(read_playlist(token, read_live_ports()))


@api.get("/v1/live/<token>/<name>")
def get_piece(token: str, name: str) -> Response[str]:
    """302 to a fresh link to a piece, or 404."""
    return answers.redirect(link_to_piece(token, name, read_live_ports()))
