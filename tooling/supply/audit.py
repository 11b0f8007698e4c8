"""Asks OSV for advisories about every package that a lock names, as in `make audit`.

The tools' packages count too: what builds and tests runs on the machines of those who work here. An answer is believed
only as a whole: a source that answers with less than what was asked was not reached.
Exit status: 0 none, 1 advisories found, 3 the source was not reached or gave no whole answer, so nothing is known.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

import httpx
from pydantic import BaseModel, Field, ValidationError

from tooling.supply.deployed import ROOT, Pin, npm_pins, python_pins

SOURCE: Final = "https://api.osv.dev"
"""Open Source Vulnerabilities, which has PyPI's and npm's advisories; `OSV_URL` in the environment replaces it."""
NONE, FOUND, UNKNOWN = 0, 1, 3

_ASKED_AT_ONCE: Final = 500
"""OSV takes 1,000 queries at once (its documentation of `/v1/querybatch`)."""
_PAGES: Final = 20
"""As many as one package may have advisories on; more is no answer that ends."""
_PATIENCE: Final = httpx.Timeout(30, connect=10)


class _Advisory(BaseModel):
    id: Annotated[str, Field(min_length=1)]


class _Result(BaseModel):
    vulns: list[_Advisory] = []
    next_page_token: str | None = None


class _Answer(BaseModel):
    results: list[_Result]


class NotReachedError(Exception):
    """The source gave no whole answer; the message says what it gave."""


def main() -> int:
    """Print each package with advisories, and how many packages were asked about."""
    locks = locked_pins(ROOT)
    try:
        with httpx.Client(base_url=os.environ.get("OSV_URL", SOURCE), timeout=_PATIENCE) as client:
            found = advisories(client, list(locks))
    except (NotReachedError, httpx.InvalidURL) as error:
        print(f"no advisories were read, so nothing is known: {error}", file=sys.stderr)
        return UNKNOWN
    for pin, ids in found.items():
        print(f"{pin.ecosystem} {pin.name} {pin.version}: {', '.join(ids)} ({', '.join(locks[pin])})")
    print(f"{len(found)} of {len(locks)} locked packages have advisories", file=sys.stderr)
    return FOUND if found else NONE


def locked_pins(root: Path) -> dict[Pin, list[str]]:
    """Every package that is locked anywhere in a checkout, without its hashes, and the locks that name it."""
    pins: dict[Pin, list[str]] = {}
    for lock in lock_files(root):
        found = npm_pins(lock) if lock.suffix == ".json" else python_pins(lock)
        for pin in found:
            locks = pins.setdefault(Pin(pin.ecosystem, pin.name, pin.version), [])
            name = str(lock.relative_to(root))
            if name not in locks:
                locks.append(name)
    return pins


def lock_files(root: Path) -> list[Path]:
    """Every lock of Python's and npm's packages, deployed or a tool's."""
    patterns = ("layers/*/requirements.txt", "requirements.lock", "tooling/*.lock", "tooling/*/package-lock.json")
    return [path for pattern in patterns for path in sorted(root.glob(pattern))]


def advisories(client: httpx.Client, pins: Sequence[Pin]) -> dict[Pin, list[str]]:
    """The ids of the advisories of each package that has some. Raises `NotReachedError`."""
    found: dict[Pin, list[str]] = {}
    waiting: Mapping[Pin, str | None] = dict.fromkeys(pins)
    for _ in range(_PAGES):
        more: dict[Pin, str | None] = {}
        for some in _in_batches(waiting.items()):
            for (pin, _), result in zip(some, _asked(client, some), strict=True):
                if result.vulns:
                    found.setdefault(pin, []).extend(each.id for each in result.vulns)
                if result.next_page_token:
                    more[pin] = result.next_page_token
        if not more:
            return {pin: sorted(set(ids)) for pin, ids in found.items()}
        waiting = more
    raise NotReachedError(f"{client.base_url}: no end after {_PAGES} pages")


def _in_batches(asked: Iterable[tuple[Pin, str | None]]) -> Iterator[list[tuple[Pin, str | None]]]:
    whole = list(asked)
    for start in range(0, len(whole), _ASKED_AT_ONCE):
        yield whole[start : start + _ASKED_AT_ONCE]


def _asked(client: httpx.Client, some: Sequence[tuple[Pin, str | None]]) -> list[_Result]:
    queries = [
        {"package": {"ecosystem": pin.ecosystem, "name": pin.name}, "version": pin.version}
        | ({"page_token": page} if page else {})
        for pin, page in some
    ]
    try:
        answer = client.post("/v1/querybatch", json={"queries": queries}).raise_for_status()
    except httpx.HTTPStatusError as error:
        raise NotReachedError(f"{client.base_url} answered {error.response.status_code}") from error
    except httpx.HTTPError as error:
        raise NotReachedError(f"{client.base_url}: {type(error).__name__}: {error}") from error
    try:
        results = _Answer.model_validate_json(answer.content).results
    except ValidationError as error:
        raise NotReachedError(f"{client.base_url}: expected results as JSON, found {answer.text[:200]!r}") from error
    if len(results) != len(queries):
        raise NotReachedError(f"{client.base_url}: expected {len(queries)} results, found {len(results)}")
    return results


if __name__ == "__main__":
    sys.exit(main())
