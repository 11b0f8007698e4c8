"""A fake of the reference store."""

from collections.abc import Iterator
from pathlib import Path

from fermata.errors import (
    FermataError,
)
from fermata.ports.audio import UploadForm


class InMemoryReferenceStore:
    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.content_types: dict[str, str] = {}
        self.puts = 0
        self.fail_next_put: FermataError | None = None
        self.fail_next_forget: FermataError | None = None

    def upload_form(self, object_key: str, content_type: str, size_bytes: int, ttl_s: int) -> UploadForm:
        fields = {"key": object_key, "Content-Type": content_type, "policy": f"{size_bytes} bytes in {ttl_s} s"}
        return UploadForm("https://uploads.test/", fields)

    def size(self, object_key: str) -> int | None:
        return len(self.files[object_key]) if object_key in self.files else None

    def open(self, object_key: str) -> Iterator[bytes] | None:
        file = self.files.get(object_key)
        return None if file is None else iter([file[:1000], file[1000:]])

    def put(self, object_key: str, path: Path, content_type: str) -> None:
        failure, self.fail_next_put = self.fail_next_put, None
        if failure is not None:
            raise failure
        self.files[object_key] = path.read_bytes()
        self.content_types[object_key] = content_type
        self.puts += 1

    def forget(self, begins_with: str) -> None:
        if self.fail_next_forget is not None:
            failure, self.fail_next_forget = self.fail_next_forget, None
            raise failure
        for key in [key for key in self.files if key.startswith(begins_with)]:
            del self.files[key]

    def link(self, object_key: str, ttl_s: int) -> str:
        return f"https://references.test/{object_key}?ttl={ttl_s}&X-Amz-Signature=canary"
