"""Memory does not grow with the song: 50 MB of audio need within 8 MB of what 2 MB need, on every way it can take."""

import hashlib
import json
import socket
import struct
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

import pytest

from tests.integration.use_cases.generation.store_one_song import LAST_EVENT
from tests.songs import JOB_ID
from tests.support.audio_files import mp3
from tests.support.cloud import BUCKET, s3_with_bucket
from tests.support.loopback import listening
from tests.support.moto_server import moto_server, run_against

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MB: Final = 1_000_000
SMALL: Final = 2 * MB
LARGE: Final = 50 * MB
ALLOWED: Final = 8 * MB
BYTES_PER_MS: Final = 176.4
BEFORE: Final = b'{"data": {"audio": "'
AFTER: Final = b'", "status": 2}, "base_resp": {"status_code": 0, "status_msg": "success"}}'
FRAMES: Final = bytes(range(256)) * 4000


def wav_pieces(size: int) -> Iterator[bytes]:
    """A valid stereo WAV file of 16 bits and 44.1 kHz that has `size` bytes of samples."""
    yield b"RIFF" + struct.pack("<I", size + 36) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 2, 44100, 176400, 4, 16)
    yield b"data" + struct.pack("<I", size)
    for start in range(0, size, len(FRAMES)):
        yield FRAMES[: size - start]


def answer_pieces(size: int) -> Iterator[bytes]:
    yield BEFORE
    for piece in wav_pieces(size):
        yield piece.hex().encode()
    yield AFTER


def stream_pieces(size: int) -> Iterator[bytes]:
    """Ten events with a part each, then one that repeats the whole song."""
    song = b"".join(wav_pieces(size)).hex().encode()
    step = len(song) // LAST_EVENT + LAST_EVENT
    for start in range(0, len(song), step):
        yield b"data: " + BEFORE + song[start : start + step] + b'", "status": 1}}\n\n'
    yield b"data: "
    yield from answer_pieces(size)
    yield b"\n\n"


def music(size: int) -> bytes:
    """Whole MP3 frames of one song, over and over, of about `size` bytes."""
    song = mp3(kbps=256, seconds=10)
    return song * (size // len(song))


def music_pieces(size: int) -> Iterator[bytes]:
    """Events of about two seconds, each with the audio of its part, and one that repeats them all."""
    song, step = music(size).hex().encode(), 128 * 1024
    for start in range(0, len(song), step):
        yield b"data: " + BEFORE + song[start : start + step] + b'", "status": 1}}\n\n'
    yield b"data: " + BEFORE + song + AFTER + b"\n\n"


def serve(pieces: Callable[[int], Iterator[bytes]], size: int) -> Callable[[socket.socket], None]:
    length = sum(len(piece) for piece in pieces(size))

    def answer(connection: socket.socket) -> None:
        connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n".encode())
        for piece in pieces(size):
            connection.sendall(piece)

    return answer


@pytest.fixture(scope="module")
def endpoint(_no_account: None) -> Iterator[str]:
    with moto_server() as address:
        yield address


@pytest.fixture(scope="module")
def s3(endpoint: str) -> "S3Client":
    return s3_with_bucket(endpoint)


def run(way: str, origin: str, endpoint: str) -> tuple[int, dict[str, object]]:
    """Peak memory in bytes and the result of one way, in a process of its own."""
    module = "tests.integration.use_cases.generation.store_one_song"
    finished = run_against(endpoint, module, way, origin, timeout_s=100)
    # Whatever is logged stands before the result.
    found = json.loads(finished.stdout.splitlines()[-1])
    return found["peak_bytes"], found["result"]


def expected_track(size: int) -> dict[str, object]:
    digest = hashlib.sha256()
    for piece in wav_pieces(size):
        digest.update(piece)
    return {
        "object_key": f"tracks/{JOB_ID}/1.wav",
        "source_sha256": digest.hexdigest(),
        "marks": ["tags"],
        "duration_ms": round(size / BYTES_PER_MS),
        "sample_rate_hz": 44100,
    }


def assert_flat(way: str, peaks: dict[int, int]) -> None:
    figures = ", ".join(f"{size // MB} MB of audio: {peak / MB:.1f} MB" for size, peak in peaks.items())
    print(f"peak memory of '{way}': {figures}")  # noqa: T201 - the figures are what this test is for
    assert peaks[LARGE] - peaks[SMALL] < ALLOWED, figures


def test_decoding_a_staged_answer_needs_no_more_memory_for_a_longer_song(s3: "S3Client", endpoint: str) -> None:
    peaks = {}
    for size in (SMALL, LARGE):
        s3.put_object(
            Bucket=BUCKET,
            Key=f"staging/{JOB_ID}/1",
            Body=b"".join(answer_pieces(size)),
            ContentType="application/json",
            Metadata={"http-status": "200"},
        )
        peaks[size], track = run("hex", "http://127.0.0.1:1", endpoint)
        assert expected_track(size).items() <= track.items()
        assert s3.head_object(Bucket=BUCKET, Key=f"tracks/{JOB_ID}/1.wav")["ContentLength"] == track["bytes"]
    assert_flat("hex", peaks)


def test_decoding_a_staged_stream_needs_no_more_memory_for_a_longer_song(s3: "S3Client", endpoint: str) -> None:
    peaks = {}
    for size in (SMALL, LARGE):
        s3.put_object(
            Bucket=BUCKET,
            Key=f"staging/{JOB_ID}/1",
            Body=b"".join(stream_pieces(size)),
            ContentType="text/event-stream",
            Metadata={"http-status": "200"},
        )
        peaks[size], track = run("events", "http://127.0.0.1:1", endpoint)
        assert expected_track(size).items() <= track.items()
    assert_flat("events", peaks)


def test_copying_a_link_needs_no_more_memory_for_a_longer_song(s3: "S3Client", endpoint: str) -> None:
    peaks = {}
    for size in (SMALL, LARGE):
        with listening(serve(wav_pieces, size)) as server:
            peaks[size], track = run("url", server.origin, endpoint)
        assert expected_track(size).items() <= track.items()
        assert s3.head_object(Bucket=BUCKET, Key=f"tracks/{JOB_ID}/1.wav")["ContentLength"] == track["bytes"]
    assert_flat("url", peaks)


def test_staging_and_reading_an_answer_needs_no_more_memory_for_a_longer_song(s3: "S3Client", endpoint: str) -> None:
    peaks = {}
    for size in (SMALL, LARGE):
        with listening(serve(answer_pieces, size)) as server:
            peaks[size], result = run("keep", server.origin, endpoint)
        assert result == {"text_length": 2 * (size + 44), "whole_event": None, "was_heard": False}
        staged = s3.head_object(Bucket=BUCKET, Key=f"staging/{JOB_ID}/2")["ContentLength"]
        assert staged == 2 * (size + 44) + len(BEFORE) + len(AFTER)
    assert_flat("keep", peaks)


def test_taking_an_answer_apart_while_it_arrives_needs_no_more_memory_for_a_longer_song(
    s3: "S3Client", endpoint: str
) -> None:
    peaks = {}
    for size in (SMALL, LARGE):
        with listening(serve(answer_pieces, size)) as server:
            peaks[size], track = run("receive", server.origin, endpoint)
        assert expected_track(size).items() <= track.items()
        for key in (f"staging/{JOB_ID}/1", f"tracks/{JOB_ID}/1.wav"):
            assert s3.head_object(Bucket=BUCKET, Key=key)["ContentLength"] == track["bytes"]
    assert_flat("receive", peaks)


def test_staging_and_reading_a_stream_needs_no_more_memory_for_a_longer_song(s3: "S3Client", endpoint: str) -> None:
    peaks = {}
    for size in (SMALL, LARGE):
        with listening(serve(stream_pieces, size)) as server:
            peaks[size], result = run("keep", server.origin, endpoint)
        assert result["whole_event"] == LAST_EVENT
        staged = s3.head_object(Bucket=BUCKET, Key=f"staging/{JOB_ID}/2")["ContentLength"]
        assert staged == sum(len(piece) for piece in stream_pieces(size))
    assert_flat("keep a stream", peaks)


def test_a_stream_that_is_heard_needs_no_more_memory_for_a_longer_song(s3: "S3Client", endpoint: str) -> None:
    peaks = {}
    for size in (SMALL, LARGE):
        with listening(serve(music_pieces, size)) as server:
            peaks[size], result = run("live", server.origin, endpoint)
        assert result["was_heard"]
        staged = s3.head_object(Bucket=BUCKET, Key=f"staging/{JOB_ID}/2")["ContentLength"]
        assert staged == sum(len(piece) for piece in music_pieces(size))
        assert s3.list_objects_v2(Bucket=BUCKET, Prefix=f"live/{JOB_ID}/2/")["KeyCount"] > 0
    assert_flat("hear a stream", peaks)
