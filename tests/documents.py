"""The documents of this project as tests read them: their code blocks, their headings and their links."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.functions import ROOT

DOCUMENTS: Final = tuple(
    str(path.relative_to(ROOT))
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))
)
"""Every document whose commands a reader may copy, as a path from the project's folder."""

FENCES: Final = frozenset({"sh", "python", "json", "text", "yaml"})
"""The languages of code blocks. Commands stand in `sh`, so that none is missed."""

_BLOCK: Final = re.compile(r"^```(\S*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK: Final = re.compile(r"\]\(([^)\s]+)\)")
_SPAN: Final = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True)
class Document:
    """One document, by its path from the project's folder."""

    name: str

    @property
    def text(self) -> str:
        return (ROOT / self.name).read_text("utf-8")

    def blocks(self, language: str) -> list[str]:
        """The code blocks of a language, in their order."""
        return [code for found, code in _BLOCK.findall(self.text) if found == language]

    def languages(self) -> set[str]:
        """The languages of all code blocks; an empty one where a block names none."""
        return {language for language, _ in _BLOCK.findall(self.text)}

    def spans(self) -> list[str]:
        """Code within sentences."""
        return _SPAN.findall(self._prose())

    def links(self) -> Iterator[tuple[Path, str]]:
        """The file and the anchor, which may be empty, of each link that leads to no other host."""
        here = ROOT / self.name
        for target in _LINK.findall(self._prose()):
            if "://" not in target:
                path, _, anchor = target.partition("#")
                yield (here.parent / path if path else here), anchor

    def anchors(self) -> set[str]:
        """What a link may name after `#`: each heading as GitHub and the site write it."""
        headings = re.findall(r"^#+ (.+)$", self._prose(), re.MULTILINE)
        return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}

    def _prose(self) -> str:
        return _BLOCK.sub("", self.text)


def named_scripts() -> dict[str, str]:
    """Every Python block of the documents by the file name that its first line says."""
    blocks = [block for name in DOCUMENTS for block in Document(name).blocks("python")]
    return {block.splitlines()[0].removeprefix("# "): block for block in blocks}
