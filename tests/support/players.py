"""Players that judge songs. Fermata has no part in them, so that they would find what it gets wrong."""

import json
import shutil
import subprocess

import pytest


def ffmpeg(name: str = "ffmpeg") -> str:
    """The path of ffmpeg, or of ffprobe, which comes with it; a test that lacks it fails and says how to get it."""
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is the judge of this test and is not on this machine: apt-get install -y ffmpeg")
    return found


def tags_of(song: str) -> dict[str, str]:
    """What a file, or what a link leads to, says about itself, by lower-case names; from the container and its
    streams.
    """
    command = [ffmpeg("ffprobe"), "-v", "error", "-of", "json", "-show_format", "-show_streams", song]
    found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    tags = [part.get("tags", {}) for part in (*found["streams"], found["format"])]
    return {name.lower(): text for each in tags for name, text in each.items()}


def samples_of(song: bytes) -> bytes:
    """The decoded samples of an MP3 file: 16 bits, two channels, 44.1 kHz."""
    command = [ffmpeg(), "-nostdin", "-v", "error", "-f", "mp3", "-i", "pipe:0"]
    finished = subprocess.run(
        [*command, "-f", "s16le", "-ac", "2", "-ar", "44100", "pipe:1"], input=song, capture_output=True, check=True
    )
    return finished.stdout
