"""A file is whole and the one that was measured, or it is not there."""

import os
import stat
from pathlib import Path

import httpx
import pytest

from fermata_client import Retries, Track, errors
from tests.fakes.client.fake_fermata import (
    JOB_ID,
    SONG,
    Cue,
    FakeFermata,
    answer,
    cut_after,
    few_retries,
    lose,
    say,
    say_html,
    unreachable,
)


def _track(fermata: FakeFermata, retries: Retries | None = None) -> Track:
    handle = fermata.sync(retries=retries or few_retries()).run("auto", prompt="a")
    fermata.requests.clear()
    fermata.pauses.clear()
    return handle.tracks[0]


def _files(fermata: FakeFermata) -> list[httpx.Request]:
    return [request for request in fermata.requests if request.url.host == "files.example.com"]


def test_a_saved_file_is_the_song_under_its_name(tmp_path: Path) -> None:
    fermata = FakeFermata()
    (tmp_path / "song.mp3").write_bytes(b"an older song")

    saved = _track(fermata).save(tmp_path / "song.mp3")

    assert saved == tmp_path / "song.mp3"
    assert saved.read_bytes() == SONG
    assert [path.name for path in tmp_path.iterdir()] == ["song.mp3"]
    assert stat.S_IMODE(saved.stat().st_mode) == 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_folder_gets_a_file_named_after_the_job(tmp_path: Path) -> None:
    fermata = FakeFermata()

    assert _track(fermata).save(tmp_path).name == f"{JOB_ID}-1.mp3"


def test_the_key_stays_with_fermata(tmp_path: Path) -> None:
    fermata = FakeFermata()

    _track(fermata).save(tmp_path)

    (file,) = _files(fermata)
    assert "Authorization" not in file.headers
    assert file.headers["Accept-Encoding"] == "identity"


def test_every_url_is_fresh() -> None:
    track = _track(FakeFermata())

    assert track.url != track.url


@pytest.mark.parametrize("how", ["save", "read", "iterate"])
@pytest.mark.parametrize("sizes", [[0], [1], [10_239], [1, 2, 3, 4, 5, 6], [5_000, 0, 0, 5]])
def test_a_download_that_is_cut_goes_on_where_it_ended(tmp_path: Path, how: str, sizes: list[int]) -> None:
    fermata = FakeFermata()
    fermata.file_cues.extend(map(cut_after, sizes))
    track = _track(fermata)

    assert _bytes_of(track, how, tmp_path) == SONG

    begins = [sum(sizes[:number]) for number in range(len(sizes) + 1)]
    assert [request.headers.get("Range") for request in _files(fermata)] == [
        f"bytes={begin}-" if begin else None for begin in begins
    ]
    assert len({str(request.url) for request in _files(fermata)}) == len(sizes) + 1


def _bytes_of(track: Track, how: str, folder: Path) -> bytes:
    if how == "save":
        return track.save(folder / "song.mp3").read_bytes()
    return track.read() if how == "read" else b"".join(track.iterate())


def test_a_server_that_knows_no_ranges_sends_it_all_again_and_nothing_is_doubled() -> None:
    fermata = FakeFermata()
    fermata.file_cues.append(cut_after(1_000))
    fermata.file_cues.append(answer(200, SONG))

    assert _track(fermata).read() == SONG


@pytest.mark.parametrize(
    "cue",
    [
        *(lose, unreachable, say(403, None), say(404, None), say(416, None), say(503, None)),
        *(say_html(200), say_html(302)),
        answer(200, SONG[:-1]),
        answer(206, SONG, Content_Range="bytes 7-"),
    ],
    ids=range(10),
)
def test_a_link_that_brings_no_file_is_replaced_by_a_fresh_one(cue: Cue) -> None:
    fermata = FakeFermata()
    fermata.file_cues.append(cue)

    assert _track(fermata).read() == SONG
    assert fermata.pauses == [1]


def test_another_range_than_the_one_that_was_asked_for_is_not_taken() -> None:
    fermata = FakeFermata()
    fermata.file_cues.append(cut_after(1_000))
    fermata.file_cues.append(answer(206, SONG[:9_240], Content_Range="bytes 0-9239/*"))

    assert _track(fermata).read() == SONG


def test_a_download_without_progress_ends_and_leaves_nothing(tmp_path: Path) -> None:
    fermata = FakeFermata()
    fermata.file_cues.extend([cut_after(10), *[unreachable] * 10])
    (tmp_path / "song.mp3").write_bytes(b"an older song")

    with pytest.raises(errors.NetworkError) as ended:
        _track(fermata).save(tmp_path / "song.mp3")

    assert ended.value.job_id == JOB_ID
    assert (tmp_path / "song.mp3").read_bytes() == b"an older song"
    assert [path.name for path in tmp_path.iterdir()] == ["song.mp3"]
    assert len(_files(fermata)) == 4


@pytest.mark.parametrize("how", ["save", "read", "iterate"])
def test_other_bytes_than_were_measured_are_no_song(tmp_path: Path, how: str) -> None:
    fermata = FakeFermata()
    fermata.file_cues.append(answer(200, b"x" + SONG[1:]))

    with pytest.raises(errors.DownloadError, match="SHA-256") as wrong:
        _bytes_of(_track(fermata), how, tmp_path)

    assert wrong.value.job_id == JOB_ID
    assert list(tmp_path.iterdir()) == []


def test_a_file_without_an_end_is_not_written_on(tmp_path: Path) -> None:
    fermata = FakeFermata()
    fermata.file_cues.extend([answer(200, SONG, b"and more"), answer(200, SONG + b"and more")])
    track = _track(fermata)

    assert track.read() == SONG
    with pytest.raises(errors.DownloadError, match="found more"):
        track.save(tmp_path / "song.mp3")
    assert list(tmp_path.iterdir()) == []


def test_a_job_that_was_deleted_has_no_file_any_more(tmp_path: Path) -> None:
    fermata = FakeFermata()
    track = _track(fermata)
    fermata.states = ["queued"]

    with pytest.raises(errors.DownloadError, match="no track 1 any more"):
        track.save(tmp_path / "song.mp3")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_an_error_of_the_disk_and_nothing_is_fetched(tmp_path: Path) -> None:
    fermata = FakeFermata()
    track = _track(fermata)

    with pytest.raises(FileNotFoundError):
        track.save(tmp_path / "nowhere" / "song.mp3")
    assert fermata.requests == []


def test_a_reader_who_stops_early_leaves_nothing_open() -> None:
    fermata = FakeFermata()
    track = _track(fermata)

    pieces = track.iterate()
    assert next(pieces)
    pieces.close()  # type: ignore[attr-defined]  # it is a generator


@pytest.mark.parametrize("job_id", ["../../etc/passwd", "a\x1b[2Jb", "con", ""])
def test_no_id_makes_a_name_outside_of_the_folder(job_id: str) -> None:
    fermata = FakeFermata()
    track = _track(fermata)
    track.subject.job.job_id = job_id

    assert track.file_name.replace("-1.mp3", "").replace("_", "").isalnum() or job_id == ""
    assert "/" not in track.file_name
