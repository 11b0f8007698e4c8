"""Why a tool did nothing, in words for an agent."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from mcp.server.mcpserver.exceptions import ToolError

from fermata_client.errors import FermataError, NoAnswerError
from fermata_client.text import plain

_LONGEST: Final = 1_000


class RefusalError(Exception):
    """The tool did nothing; the message says what was expected, what was found, and what to do."""


@contextmanager
def in_words(advice: str = "") -> Iterator[None]:
    """Turn refusals and errors of the client into what the agent reads. `advice` follows an answer that is lost."""
    try:
        yield
    except RefusalError as refused:
        raise ToolError(plain(str(refused), _LONGEST)) from refused
    except FermataError as error:
        text = plain(str(error), _LONGEST)
        raise ToolError(f"{text}. {advice}" if advice and isinstance(error, NoAnswerError) else text) from error
