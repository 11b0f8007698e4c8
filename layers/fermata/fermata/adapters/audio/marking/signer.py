"""Signs songs with the operator's key, each in a process of its own."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final

from fermata.adapters.audio.marking.signing_process import Request, result_of
from fermata.domain.audio.marks import NotSigned, SongFacts
from fermata.errors import ConfigurationError, TransientError
from fermata.ports.audio import MarkedFile, SigningKey
from fermata.variables import variables_of_a_child

SIGN_WITHIN_S: Final = 20
"""Seconds after which a process that signs is ended."""
PROGRAM: Final = (sys.executable, "-m", "fermata.adapters.audio.marking.signing_process")


class ProcessSigner:
    """`Signer` with the key that `read_key` returns for each song. `program` is the command that signs."""

    def __init__(
        self,
        read_key: Callable[[], SigningKey],
        program: tuple[str, ...] = PROGRAM,
        within_s: float = SIGN_WITHIN_S,
    ) -> None:
        self._read_key = read_key
        self._program = program
        self._within_s = within_s

    def sign(self, path: Path, about: SongFacts, into: IO[bytes]) -> MarkedFile:
        """Write the song with its tags and a signed manifest, or say why it is not signed."""
        try:
            key = self._read_key()
        except (ConfigurationError, TransientError):
            return _not(NotSigned.NO_KEY)
        # Nothing may be left in the buffer that would be written after the other process wrote.
        into.flush()
        marked = self._ask(Request(path, Path(into.name), about, key))
        into.seek(0, 2)
        return marked

    def _ask(self, request: Request) -> MarkedFile:
        """The other process's answer. Its errors are not passed on, because the library may quote what it was given."""
        try:
            ended = subprocess.run(
                self._program,
                input=request.as_json().encode(),
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=self._within_s,
                env=variables_of_a_child(sys.path),
                check=True,
            )
            return result_of(ended.stdout.decode())
        except (subprocess.SubprocessError, OSError, ValueError, LookupError):
            return _not(NotSigned.FAILED)


def _not(reason: NotSigned) -> MarkedFile:
    return MarkedFile((), "", (), reason)
