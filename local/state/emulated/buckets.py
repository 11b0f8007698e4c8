"""S3's objects: their bytes as files, everything else in the store."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from threading import Lock, RLock
from typing import Any, Final, cast

from local.deploy.deployment import ACCOUNT_ID
from local.emulator.moto_seams import MotoValue
from local.state.emulated import seams
from local.state.errors import StateRefusedError
from local.state.files import Files, KeptBytes
from local.state.journal import Journal
from local.state.store import Change

KIND: Final = "object"
_PARTITION: Final = "aws"
_FIELDS: Final = (
    *("name", "account_id", "region_name", "partition", "website_redirect_location", "checksum_algorithm"),
    *("_storage_class", "_etag", "_version_id", "_is_versioned", "bucket_name", "_max_buffer_size", "contentsize"),
    *("encryption", "kms_key_id", "bucket_key_enabled", "lock_mode", "lock_legal_status", "lock_until"),
    *("checksum_value", "checksum_type", "checksum_parts"),
)
"""The attributes of moto's object that are kept as they are."""


class Buckets:
    """Keeps the objects of all buckets."""

    def __init__(self, journal: Journal, files: Files) -> None:
        self._journal, self._files = journal, files
        self._lock = RLock()
        self._used: dict[tuple[str, str], set[str]] = {}
        """The files of each kept object."""
        self._unused: set[str] = set()
        """Files that no object needs once the present changes are kept."""

    def install(self) -> None:
        """Keep every change from now on, and fill each bucket as soon as it is created."""
        create, tag, untag = (seam.original for seam in (seams.CREATE_BUCKET, seams.PUT_TAGS, seams.DELETE_TAGS))

        def create_bucket(backend: MotoValue, *rest: MotoValue, **named: MotoValue) -> MotoValue:
            bucket = create(backend, *rest, **named)
            bucket.keys = _watched_keys(
                lambda key: self._journal.touch(self, bucket.name, key), lambda key: self._revived(bucket, key)
            )
            self._fill(bucket)
            return bucket

        def put_object_tagging(backend: MotoValue, key: MotoValue, tags: MotoValue) -> MotoValue:
            self._journal.touch(self, key.bucket_name, key.name)
            return tag(backend, key, tags)

        def delete_object_tagging(
            backend: MotoValue, bucket_name: str, key_name: str, version_id: str | None = None
        ) -> None:
            self._journal.touch(self, bucket_name, key_name)
            untag(backend, bucket_name, key_name, version_id)

        seams.CREATE_BUCKET.replace(create_bucket)
        seams.PUT_TAGS.replace(put_object_tagging)
        seams.DELETE_TAGS.replace(delete_object_tagging)

    def prepare(self, owner: str, key: str) -> None:
        """Write the bytes of each new version."""
        with self._lock:
            for version in self._versions(owner, key):
                self._move_to_file(version)

    def changes(self, owner: str, key: str) -> list[Change]:
        """Return the versions of an object as they are, or its absence."""
        with self._lock:
            # Again, because another call may have added a version meanwhile.
            self.prepare(owner, key)
            versions = self._versions(owner, key)
            before, used = self._used.pop((owner, key), set()), {v.kept_file for v in versions if _has_bytes(v)}
            if used:
                self._used[owner, key] = used
            self._unused.update(before - used)
            text = json.dumps([_as_json(version) for version in versions]) if versions else None
            return [Change(KIND, owner, key, text)]

    def kept(self) -> None:
        """Delete the files that no object needs any more."""
        with self._lock:
            unused, self._unused = self._unused, set()
        for name in unused:
            self._files.remove(name)

    def check_files(self) -> None:
        """Raise `StateRefusedError` for an object whose file is missing or cut; delete the files of no object."""
        sizes, wanted = self._files.sizes(), set[str]()
        store = self._journal.store
        for bucket in store.owners(KIND):
            for key, text in store.read(KIND, bucket):
                for version in json.loads(text):
                    name = version.get("file")
                    if name and sizes.get(name) != version["contentsize"]:
                        raise StateRefusedError(
                            f"{self._files.folder / name}: expected the {version['contentsize']} bytes of "
                            f"{bucket}/{key}, found {sizes.get(name, 'no file')}; put the file back, or start with "
                            "--fresh to begin anew"
                        )
                    wanted.add(name)
        self._files.sweep(wanted)

    def _versions(self, bucket: str, key: str) -> list[MotoValue]:
        found = _backend().buckets.get(bucket)
        return list(found.keys.getlist(key, [])) if found is not None else []

    def _move_to_file(self, version: MotoValue) -> None:
        if not _has_bytes(version) or getattr(version, "kept_file", None):
            return
        # moto computes it from the buffer when it is first asked for.
        _ = version.etag
        try:
            name = self._files.add(version.value)
        except OSError as error:
            raise self._journal.store.fail(error) from error
        with version.lock:
            version._value_buffer.close()  # noqa: SLF001 (part of the seam)
            version._value_buffer = KeptBytes(f"{self._files.folder}/{name}")  # noqa: SLF001 (part of the seam)
            version.kept_file = name
            _share_bytes(version)

    def _fill(self, bucket: MotoValue) -> None:
        for key, text in self._journal.store.read(KIND, bucket.name):
            dict.__setitem__(bucket.keys, key, text)

    def _revived(self, bucket: MotoValue, key: str) -> list[MotoValue]:
        """Put the versions of a key in the place of its text, and return them; raises `KeyError` where it is gone."""
        with self._lock:
            text = dict.__getitem__(bucket.keys, key)
            if not isinstance(text, str):
                # Another call was faster, and may have changed them since.
                return cast("list[MotoValue]", text)
            versions: list[MotoValue] = []
            for kept in json.loads(text):
                versions.append(self._object(kept) if "file" in kept else _marker(kept, versions))
            dict.__setitem__(bucket.keys, key, versions)
            self._used[bucket.name, key] = {version.kept_file for version in versions if _has_bytes(version)}
            return versions

    def _object(self, kept: Mapping[str, Any]) -> MotoValue:
        from moto.moto_api._internal.managed_state_model import ManagedState
        from moto.s3.models import FakeKey, get_canned_acl
        from moto.utilities.utils import LowercaseDict

        # Not by its constructor, which makes a temporary file.
        version: MotoValue = FakeKey.__new__(FakeKey)
        ManagedState.__init__(version, "s3::keyrestore", [(None, "IN_PROGRESS"), ("IN_PROGRESS", "RESTORED")])
        version.__dict__.update({name: kept[name] for name in _FIELDS})
        version.last_modified = datetime.fromisoformat(kept["last_modified"])
        version.acl = get_canned_acl("private")
        version._metadata = LowercaseDict(kept["metadata"])  # noqa: SLF001 (part of the seam)
        version.__dict__.update(_expiry=None, multipart=None, disposed=False, lock=Lock(), kept_file=kept["file"])
        version.__dict__["_value_buffer"] = KeptBytes(f"{self._files.folder}/{kept['file']}")
        _share_bytes(version)
        if kept["tags"]:
            _backend().tagger.tag_resource(version.arn, kept["tags"])
        return version


def _backend() -> MotoValue:
    from moto.s3.models import s3_backends

    return s3_backends[ACCOUNT_ID][_PARTITION]


def _has_bytes(version: MotoValue) -> bool:
    """Whether a version is an object, not the mark of a deletion."""
    return hasattr(version, "contentsize")


def _share_bytes(version: MotoValue) -> None:
    """Let copies of an object share its file: moto copies every object of a bucket to list their versions."""

    def copied(_memo: dict[int, Any]) -> MotoValue:
        copy: MotoValue = version.__class__.__new__(version.__class__)
        copy.__dict__.update(version.__dict__)
        return copy

    version.__deepcopy__ = copied


def _as_json(version: MotoValue) -> dict[str, Any]:
    mark = {"version_id": version.version_id, "last_modified": version.last_modified.isoformat(), "name": version.name}
    if not _has_bytes(version):
        return mark
    fields = {name: getattr(version, name) for name in _FIELDS}
    tags = _backend().tagger.list_tags_for_resource(version.arn)["Tags"]
    return {**fields, **mark, "metadata": dict(version.metadata), "tags": tags, "file": version.kept_file}


def _marker(kept: Mapping[str, Any], before: list[MotoValue]) -> MotoValue:
    from moto.s3.models import FakeDeleteMarker

    marker: MotoValue = FakeDeleteMarker.__new__(FakeDeleteMarker)
    marker.key = before[-1] if before else None
    marker.name = kept["name"]
    marker.last_modified, marker._version_id = datetime.fromisoformat(kept["last_modified"]), kept["version_id"]  # noqa: SLF001 (part of the seam)
    return marker


def _watched_keys(changed: Callable[[str], None], revived: Callable[[str], list[MotoValue]]) -> MotoValue:
    """Return moto's keys of a bucket that report each change. A key that has a text instead of its versions gets them
    when it is first used: most of ten thousand songs never are.
    """
    from moto.s3.utils import _VersionedKeyStore

    keys: MotoValue = _VersionedKeyStore

    def reporting(name: str) -> Callable[..., None]:
        original = getattr(keys, name)

        def method(self: MotoValue, key: str, *value: MotoValue) -> None:
            original(self, key, *value)
            changed(key)

        return method

    def versions_of(self: MotoValue, key: str) -> MotoValue:
        found = dict.__getitem__(self, key)
        return revived(key) if isinstance(found, str) else found

    methods = {name: reporting(name) for name in ("__setitem__", "setlist", "pop")}
    # All of moto's reads of versions pass here.
    methods["__sgetitem__"] = versions_of
    return type("WatchedKeys", (keys,), methods)()
