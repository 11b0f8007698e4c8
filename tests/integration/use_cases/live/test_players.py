"""Pieces as players read them, where the player's own way of reading hides nothing."""

import json
import subprocess
from pathlib import Path
from typing import Final

import pytest

from fermata.adapters.audio.mp3_pieces import Mp3PieceCutter
from fermata.domain.live.playlist import playlist
from fermata.domain.live.stream import LiveStream
from tests.support.audio_files import mp3
from tests.support.players import ffmpeg

RATE_HZ: Final = 32_000
FRAME_S: Final = 1152 / RATE_HZ
FRAME_BYTES: Final = 144 * 256_000 // RATE_HZ
READ_BYTES: Final = 1024
"""How much ffmpeg reads at once. A piece of a multiple of it shares no read with the next one, whose moment ffmpeg
would give to the last frames of this one.
"""
FIRST_FRAMES, FRAMES = 56, 112


def test_a_player_gives_every_frame_of_the_pieces_its_moment(tmp_path: Path) -> None:
    song = mp3(rate=RATE_HZ, channels=2, kbps=256, seconds=24)
    cutter = Mp3PieceCutter((FRAMES + 0.5) * FRAME_S, (FIRST_FRAMES + 0.5) * FRAME_S)
    pieces = [*cutter.feed(song), *cutter.close()]
    assert {len(piece.frames) % READ_BYTES for piece in pieces[:-1]} == {0}
    for number, piece in enumerate(pieces, 1):
        (tmp_path / f"{number}.mp3").write_bytes(piece.packed())
    durations = tuple(piece.duration_ms for piece in pieces)
    stream = LiveStream(sha256="", job_id="", attempt=1, expires_at="2026-11-30T00:00:00Z", durations_ms=durations)
    listed = tmp_path / "playlist.m3u8"
    listed.write_text(playlist(stream, ended=True), encoding="utf-8")

    command = [ffmpeg("ffprobe"), "-v", "error", "-of", "json", "-show_entries", "packet=pts_time,size", str(listed)]
    finished = subprocess.run(command, capture_output=True, check=True)
    packets = json.loads(finished.stdout)["packets"]
    moments = [float(packet["pts_time"]) for packet in packets]
    assert finished.stderr == b""
    assert {int(packet["size"]) for packet in packets} == {FRAME_BYTES}
    assert moments == pytest.approx([number * FRAME_S for number in range(len(song) // FRAME_BYTES)], abs=0.0001)
