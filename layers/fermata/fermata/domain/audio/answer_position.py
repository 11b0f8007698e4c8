"""Position of a scanner in a JSON document, as far as finding the audio text needs it."""

from fermata.domain.audio.answer_skeleton import DEPTH_LIMIT


class AnswerPosition:
    """Follows brackets, commas and keys to `$.data.audio` and `$.result.data.audio`, where `data` may be a list."""

    def __init__(self) -> None:
        self._containers = bytearray()
        self._key: str | None = None
        # How many open objects are on the path to the song: 1 is the document, then perhaps `result`, then `data`.
        self._on_the_way = 0
        self._inside_data = False
        # The depth of an open list of songs at `data`, or 0.
        self._list_depth = 0
        self._too_deep = 0
        self.expects_key = False

    @property
    def depth(self) -> int:
        """How many lists and objects are open."""
        return len(self._containers)

    @property
    def at_outer(self) -> bool:
        """Whether the innermost open object is on the path to the song."""
        return 0 < self.depth == self._on_the_way and not self._too_deep

    @property
    def is_outer(self) -> bool:
        """Whether the bracket just opened is an object on the path to the song."""
        return self.at_outer and self._containers.endswith(b"{")

    @property
    def is_beside(self) -> bool:
        """Whether the innermost list or object cannot contain the song."""
        return self.depth > self._on_the_way and not self._list_depth

    def open(self, bracket: bytes) -> None:
        """Enter a list or an object."""
        if self.depth >= DEPTH_LIMIT:
            self._too_deep += 1
            return
        if bracket == b"{" and self.depth == self._on_the_way and not self._inside_data and self._leads_to_audio():
            self._on_the_way += 1
            self._inside_data = self._key == "data"
        elif bracket == b"[" and self._opens_song_list():
            self._list_depth = self.depth + 1
        self._containers += bracket
        self._key = None
        self.expects_key = bracket == b"{"

    def close(self) -> None:
        """Leave the innermost list or object."""
        if self._too_deep:
            self._too_deep -= 1
            return
        del self._containers[-1:]
        if self.depth < self._on_the_way:
            self._on_the_way = self.depth
            self._inside_data = False
        if self.depth < self._list_depth:
            self._list_depth = 0
        self._key = None
        self.expects_key = False

    def pass_comma(self) -> None:
        """Begin the next member or entry."""
        self._key = None
        self.expects_key = self._containers.endswith(b"{")

    def name_key(self, key: str | None) -> None:
        """Begin a member of this name; None for a name too long to matter."""
        self._key = key
        self.expects_key = False

    def takes_audio(self) -> bool:
        """Whether the string that opens now is the audio text."""
        found = self._at_audio()
        self._key = None
        return found

    def _leads_to_audio(self) -> bool:
        return self.depth == 0 or self._key == "data" or (self.depth == 1 and self._key == "result")

    def _opens_song_list(self) -> bool:
        return self.at_outer and not self._inside_data and self._key == "data"

    def _at_audio(self) -> bool:
        if self._key != "audio" or self._too_deep:
            return False
        in_object = self._inside_data and self.depth == self._on_the_way
        return in_object or (self._list_depth > 0 and self.depth == self._list_depth + 1)
