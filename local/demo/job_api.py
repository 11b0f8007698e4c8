"""The demo's client of Fermata's HTTP API."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

import httpx

from local.demo.errors import SongError

CONNECTIONS: Final = httpx.Limits(max_connections=10)
TIMEOUT: Final = httpx.Timeout(30.0, connect=5.0)


@dataclass(frozen=True)
class Track:
    """A finished file: a link that expires, and the facts in the job's record."""

    url: str
    bytes: int
    sha256: str
    duration_ms: int


@dataclass(frozen=True)
class JobSnapshot:
    """A job at one moment. `ready_at` is the estimate that half of such songs meet, None once the job is closed;
    `failure` is the job's error in one line.
    """

    id: str
    status: str
    ready_at: datetime | None
    tracks: tuple[Track, ...]
    failure: str | None

    @property
    def is_closed(self) -> bool:
        """Whether the status is final."""
        return self.status in {"succeeded", "failed", "canceled", "expired"}


class JobApi:
    """Calls one API with one key; every method raises `SongError` where the answer is not the expected one."""

    def __init__(self, client: httpx.Client, api_url: str, api_key: str) -> None:
        self._client = client
        self._jobs_url = f"{api_url}/v1/jobs"
        self._references_url = f"{api_url}/v1/references"
        self._headers = {"Authorization": f"Bearer {api_key}"}

    def upload(self, recording: bytes, content_type: str) -> str:
        """Upload a reference recording; returns its id for an order."""
        wanted = {"content_type": content_type, "bytes": len(recording)}
        offer = self._send("POST", self._references_url, HTTPStatus.CREATED, json=wanted)
        try:
            reference_id, url, fields = (
                str(offer.json()["id"]),
                offer.json()["upload"]["url"],
                offer.json()["upload"]["fields"],
            )
        except (ValueError, KeyError, TypeError) as error:
            raise SongError(f"expected an upload form, found something else ({error!r})") from error
        try:
            response = self._client.post(url, data=fields, files={"file": recording})
        except httpx.HTTPError as error:
            raise SongError(f"expected to upload the recording, found {type(error).__name__}") from error
        if not response.is_success:
            raise SongError(f"expected to upload the recording, found HTTP {response.status_code}")
        return reference_id

    def submit(self, request: Mapping[str, object]) -> JobSnapshot:
        """Order a song."""
        return _snapshot(self._send("POST", self._jobs_url, HTTPStatus.ACCEPTED, json=request))

    def look(self, job_id: str) -> JobSnapshot:
        """Read a job."""
        return _snapshot(self._send("GET", f"{self._jobs_url}/{job_id}", HTTPStatus.OK))

    def download(self, track: Track) -> bytes:
        """The file behind the link, fetched without a key."""
        try:
            response = self._client.get(track.url)
        except httpx.HTTPError as error:
            raise SongError(f"expected a file behind the link, found {type(error).__name__}") from error
        if response.status_code != HTTPStatus.OK:
            raise SongError(f"expected a file behind the link, found HTTP {response.status_code}")
        return response.content

    def _send(self, method: str, url: str, expected: HTTPStatus, **arguments: Any) -> httpx.Response:  # noqa: ANN401 - httpx types them
        what = f"{method} {httpx.URL(url).path}"
        try:
            response = self._client.request(method, url, headers=self._headers, **arguments)
        except httpx.HTTPError as error:
            raise SongError(f"expected {what} to answer {expected}, found {type(error).__name__}") from error
        if response.status_code != expected:
            raise SongError(f"expected {what} to answer {expected}, found {response.status_code}{_reason(response)}")
        return response


def _reason(response: httpx.Response) -> str:
    try:
        problem = response.json()
    except ValueError:
        return ""
    detail = problem.get("detail") or problem.get("message") if isinstance(problem, dict) else None
    return f": {detail}" if detail else ""


def _snapshot(response: httpx.Response) -> JobSnapshot:
    try:
        return _job(response.json())
    except (ValueError, KeyError, TypeError) as error:
        raise SongError(f"expected a job from {response.url.path}, found something else ({error!r})") from error


def _job(job: Mapping[str, Any]) -> JobSnapshot:
    estimate = job["estimate"]
    return JobSnapshot(
        id=job["id"],
        status=job["status"],
        ready_at=datetime.fromisoformat(estimate["ready_at"]) if estimate else None,
        tracks=tuple(_track(track) for track in job["tracks"]),
        failure=_failure(job["error"]) if job["error"] else None,
    )


def _track(track: Mapping[str, Any]) -> Track:
    return Track(track["url"], track["bytes"], track["sha256"], track["duration_ms"])


def _failure(error: Mapping[str, Any]) -> str:
    return f"{error['class']} ({error['code']}): {error['message']}; provider charged: {error['provider_charged']}"
