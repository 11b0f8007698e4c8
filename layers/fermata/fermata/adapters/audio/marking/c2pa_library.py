"""The C2PA library (c2pa-python 0.38.1, https://opensource.contentauthenticity.org), which the layer `c2pa` brings.

Its own calls that sign a file also write it, and write tags anew while they do. The calls below, which its C interface
has and its Python interface lacks, return a manifest that we put into the file ourselves. Nothing here uses the
network: no time stamp authority, no remote manifest, no revocation list. The module may be imported only in a process
that can be spared.
"""

import ctypes
import json
from collections.abc import Callable
from ctypes import POINTER, byref, c_char_p, c_int, c_int64, c_size_t, c_ubyte
from typing import Any, BinaryIO, Final

import c2pa
from c2pa.c2pa import C2paBuilder, C2paSigner, C2paStream, Stream, _lib, _read_native_error

from fermata.adapters.audio.marking.changes import sha256_outside
from fermata.adapters.audio.marking.containers import NotSignedError
from fermata.domain.audio.container import M4A, Container
from fermata.domain.audio.marks import MADE_BY_A_MODEL, NotSigned, SongFacts, Span
from fermata.ports.audio import SigningKey

_OFFLINE: Final = {
    "verify": {
        "verify_after_sign": False,
        "verify_trust": False,
        "ocsp_fetch": False,
        "remote_manifest_fetch": False,
    }
}
_BARE: Final = b"application/c2pa"
_BOXED: Final = b"audio/mp4"
_ABOUT_THE_KEY: Final = "Signature:"

_BYTES: Final = POINTER(c_ubyte)
_BUILDER: Final = POINTER(C2paBuilder)


def _declared(name: str, result: object, *arguments: object) -> Callable[..., int]:
    function: Any = getattr(_lib, name)
    function.argtypes, function.restype = [*arguments], result
    return function  # type: ignore[no-any-return]


_bare_placeholder: Final = _declared(
    "c2pa_builder_data_hashed_placeholder", c_int64, _BUILDER, c_size_t, c_char_p, POINTER(_BYTES)
)
_sign_bare: Final = _declared(
    "c2pa_builder_sign_data_hashed_embeddable",
    *(c_int64, _BUILDER, POINTER(C2paSigner), c_char_p, c_char_p, POINTER(C2paStream), POINTER(_BYTES)),
)
_boxed_placeholder: Final = _declared("c2pa_builder_placeholder", c_int64, _BUILDER, c_char_p, POINTER(_BYTES))
_hash_boxes: Final = _declared("c2pa_builder_update_hash_from_stream", c_int, _BUILDER, c_char_p, POINTER(C2paStream))
_sign_boxed: Final = _declared("c2pa_builder_sign_embeddable", c_int64, _BUILDER, c_char_p, POINTER(_BYTES))


class LibraryError(Exception):
    """The library refused something. The message never has its words, which may quote what it was given."""


def manifest_of(signer: c2pa.Signer, container: Container, about: SongFacts) -> "BareManifest | BoxedManifest":
    """A manifest that is not signed yet, for a file of this kind."""
    kind = BoxedManifest if container is M4A else BareManifest
    return kind(signer, container.content_type, about)


def signer_of(key: SigningKey) -> c2pa.Signer:
    """The operator's key as the library holds it; raises `NotSignedError` where it does not take the key."""
    try:
        texts = [text.encode() for text in (key.algorithm, key.certificates, key.private_key)]
        return c2pa.Signer.from_info(c2pa.C2paSignerInfo(*texts, None))
    except (c2pa.C2paError, ValueError):
        raise NotSignedError(NotSigned.KEY_REFUSED) from None


class BareManifest:
    """A manifest whose hash covers all bytes of a file but those of a span: for MP3, FLAC and WAV."""

    def __init__(self, signer: c2pa.Signer, content_type: str, about: SongFacts) -> None:
        self._signer = signer
        self._builder = c2pa.Builder(_definition(content_type, about), c2pa.Context(c2pa.Settings.from_dict(_OFFLINE)))
        reserved = signer.reserve_size()
        self.placeholder: Final = _result(_bare_placeholder, self._builder._handle, reserved, _BARE)  # noqa: SLF001
        """As long as the signed manifest."""

    def signed(self, file: BinaryIO, outside: Span) -> bytes:
        """The manifest of a file, whose hash leaves out this span."""
        hashed = {
            "name": "jumbf manifest",
            "alg": "sha256",
            "hash": [*sha256_outside(file, outside)],
            "exclusions": [{"start": outside.at, "length": outside.length}],
            "pad": [],
        }
        handles = self._builder._handle, self._signer._handle  # noqa: SLF001
        return _result(_sign_bare, *handles, json.dumps(hashed).encode(), _BARE, None)


class BoxedManifest:
    """A manifest in a box of an M4A file, whose hash covers the other boxes."""

    def __init__(self, signer: c2pa.Signer, content_type: str, about: SongFacts) -> None:
        context = c2pa.Context(c2pa.Settings.from_dict(_OFFLINE), signer)
        self._builder = c2pa.Builder(_definition(content_type, about), context)
        self.placeholder: Final = _result(_boxed_placeholder, self._builder._handle, _BOXED)  # noqa: SLF001
        """As long as the box with the signed manifest."""

    def signed(self, file: BinaryIO, outside: Span) -> bytes:
        """The box for a file that has the placeholder in this span, which the library finds by itself."""
        del outside
        handle = self._builder._handle  # noqa: SLF001
        with Stream(file) as stream:
            if _hash_boxes(handle, _BOXED, stream._stream) < 0:  # noqa: SLF001
                raise LibraryError("the library found no boxes to hash")
        return _result(_sign_boxed, handle, _BOXED)


def is_valid(file: BinaryIO, content_type: str) -> bool:
    """Whether the library finds a manifest in a file that fits it and is signed well, whoever signed it."""
    try:
        with c2pa.Reader(content_type, file, context=c2pa.Context(c2pa.Settings.from_dict(_OFFLINE))) as reader:
            return json.loads(reader.json()).get("validation_state") in ("Valid", "Trusted")
    except c2pa.C2paError:
        return False


def _definition(content_type: str, about: SongFacts) -> dict[str, object]:
    """What the manifest claims: a model created the song (C2PA 2.4, `c2pa.actions.v2`)."""
    created = {
        "action": "c2pa.created",
        "digitalSourceType": MADE_BY_A_MODEL,
        "softwareAgent": {"name": about.model},
        "parameters": {
            "com.fermata.provider": about.provider,
            "com.fermata.job": about.job_id,
            "com.fermata.ordered_on": about.made_on.isoformat(),
        },
    }
    return {
        "claim_generator_info": [{"name": "Fermata"}],
        "title": about.title or about.statement,
        "format": content_type,
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [created]}}],
    }


def _result(function: Callable[..., int], *arguments: object) -> bytes:
    """The bytes that a call of the library makes and leaves to its caller to free."""
    made = _BYTES()
    length = function(*arguments, byref(made))
    if length < 0:
        if (_read_native_error() or "").startswith(_ABOUT_THE_KEY):
            raise NotSignedError(NotSigned.KEY_REFUSED)
        raise LibraryError("the library made no manifest")
    try:
        return ctypes.string_at(made, length)
    finally:
        _lib.c2pa_free(made)
