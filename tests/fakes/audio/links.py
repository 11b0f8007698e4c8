"""Fakes of the files that others link to."""

from collections.abc import Iterator, Mapping

from fermata.errors import (
    FermataError,
)


class FakeAudioLinks:
    """Serves files by their exact link; what is scripted as an error is raised in the middle of the file."""

    def __init__(self, files: Mapping[str, bytes | FermataError] | None = None) -> None:
        self.files = dict(files or {})
        self.fetched: list[tuple[str, str]] = []

    def fetch(self, provider: str, url: str) -> Iterator[bytes]:
        self.fetched.append((provider, url))
        file = self.files[url]
        if isinstance(file, FermataError):
            yield b"the beginning"
            raise file
        yield from (file[start : start + 1000] for start in range(0, len(file), 1000))

    def fetch_text(self, provider: str, url: str) -> Iterator[bytes]:
        yield from self.fetch(provider, url)


class FakeReferenceLinks:
    """Serves recordings by their exact link; what is scripted as an error is raised in the middle of the file."""

    def __init__(self) -> None:
        self.files: dict[str, bytes | FermataError] = {}
        self.fetched: list[str] = []

    def fetch(self, url: str) -> Iterator[bytes]:
        self.fetched.append(url)
        file = self.files[url]
        if isinstance(file, FermataError):
            yield b"the beginning"
            raise file
        yield from (file[start : start + 1000] for start in range(0, len(file), 1000))
