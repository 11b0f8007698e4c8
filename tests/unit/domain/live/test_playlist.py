"""A playlist only grows, and what it says of its pieces never changes."""

from datetime import timedelta
from itertools import pairwise

import pytest

from fermata.domain.live.packed_audio import Piece, timestamp_tag
from fermata.domain.live.playlist import playlist
from fermata.domain.live.stream import LiveStream, may_be_heard
from fermata.domain.live.token import is_live_token, live_sha256, live_token
from tests.fakes.clock import NOON
from tests.songs import JOB_ID, claimed_attempt, failed_job, queued_job, rate_limited, ready_job, submitting_job

STREAM = LiveStream.new("hash", JOB_ID, 1, NOON)


def grown(pieces: int) -> LiveStream:
    stream = STREAM
    for _ in range(pieces):
        stream = stream.with_piece(3997)
    return stream


def test_a_playlist_lists_its_pieces_by_addresses_that_never_change() -> None:
    assert playlist(grown(2), ended=False) == (
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-PLAYLIST-TYPE:EVENT\n"
        "#EXTINF:3.997,\n1.mp3\n#EXTINF:3.997,\n2.mp3\n"
    )


def test_a_longer_playlist_begins_as_the_shorter_one() -> None:
    texts = [playlist(grown(pieces), ended=False) for pieces in range(1, 40)]
    assert all(later.startswith(earlier) for earlier, later in pairwise(texts))


def test_the_end_is_said_once_and_last() -> None:
    assert playlist(grown(3), ended=True) == playlist(grown(3), ended=False) + "#EXT-X-ENDLIST\n"


def test_a_piece_says_when_it_begins_in_a_tag_before_its_frames() -> None:
    packed = Piece(b"frames", begins_at=359_706, duration_ms=3997).packed()
    assert packed == (
        b"ID3\x04\x00\x00\x00\x00\x00\x3fPRIV\x00\x00\x00\x35\x00\x00"
        b"com.apple.streaming.transportStreamTimestamp\x00" + (359_706).to_bytes(8) + b"frames"
    )
    assert timestamp_tag((1 << 33) + 5)[-8:] == (5).to_bytes(8)


def test_a_token_is_the_same_at_each_call_and_another_for_each_attempt_job_and_deployment() -> None:
    token = live_token(b"secret", JOB_ID, 1)
    assert token == live_token(b"secret", JOB_ID, 1)
    others = {live_token(b"secret", JOB_ID, 2), live_token(b"other", JOB_ID, 1), live_token(b"secret", "job_2", 1)}
    assert len({token, *others}) == 4
    assert is_live_token(token)
    assert token not in live_sha256(token)


@pytest.mark.parametrize("text", ["", "a" * 42, "a" * 44, "a" * 42 + "!", "../" * 14 + "a", "\u00e9" * 43])
def test_what_has_not_the_form_of_a_token_is_not_looked_up(text: str) -> None:
    assert not is_live_token(text)


def test_an_address_answers_while_its_attempt_makes_the_song() -> None:
    for job in (submitting_job(), ready_job()):
        assert may_be_heard(job, STREAM, NOON + timedelta(days=1), 900)


def test_an_address_ends_with_its_attempt_its_job_and_its_deletion() -> None:
    second = claimed_attempt(number=2)
    retried = failed_job(rate_limited())
    assert not may_be_heard(None, STREAM, NOON, 900)
    assert not may_be_heard(queued_job(), STREAM, NOON, 900)
    assert not may_be_heard(retried, STREAM, NOON, 900)
    assert not may_be_heard(retried.claimed(second, NOON), STREAM, NOON, 900)
    assert not may_be_heard(submitting_job().settled(rate_limited(), NOON), STREAM, NOON, 900)
    assert not may_be_heard(submitting_job().expired(rate_limited(), NOON), STREAM, NOON, 900)
    assert not may_be_heard(queued_job().canceled(NOON), STREAM, NOON, 900)
    assert not may_be_heard(ready_job().model_copy(update={"deleted_at": NOON}), STREAM, NOON, 900)
