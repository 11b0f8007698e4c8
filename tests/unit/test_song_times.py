"""Estimates follow the last songs of a model, and no model's songs can push out another's without limit."""

from fermata.domain.catalogue import Estimate
from fermata.domain.song_times import MODELS_KEPT, SONGS_ENOUGH, SONGS_KEPT, SongTime, SongTimes


def times_of(model_id: str, *seconds: int) -> SongTimes:
    times = SongTimes()
    for number, each in enumerate(seconds):
        times = times.with_song(model_id, SongTime(f"job_{number:03d}", each))
    return times


def test_four_songs_say_nothing_and_five_replace_the_prior() -> None:
    assert SONGS_ENOUGH == 5
    assert times_of("m", 10, 20, 30, 40).estimates() == {}
    assert times_of("m", 50, 10, 40, 20, 30).estimates() == {"m": Estimate(p50_s=30, p80_s=40)}


def test_percentiles_are_values_that_were_measured() -> None:
    assert times_of("m", *range(1, 11)).estimates()["m"] == Estimate(p50_s=5, p80_s=8)
    assert times_of("m", *[7] * 5).estimates()["m"] == Estimate(p50_s=7, p80_s=7)


def test_one_slow_song_does_not_move_the_estimate() -> None:
    assert times_of("m", 60, 61, 62, 63, 64, 3600).estimates()["m"] == Estimate(p50_s=62, p80_s=64)


def test_a_model_that_became_slower_is_known_as_slow_after_fifty_songs() -> None:
    assert times_of("m", *[60] * 500, *[120] * SONGS_KEPT).estimates()["m"] == Estimate(p50_s=120, p80_s=120)


def test_the_fifty_songs_that_were_delivered_last_are_kept_whenever_they_were_ordered() -> None:
    times = times_of("m", *[60] * SONGS_KEPT).with_song("m", SongTime("job_000_ordered_first", 900))
    assert [song.seconds for song in times.models["m"]] == [60] * (SONGS_KEPT - 1) + [900]


def test_a_job_is_counted_once_and_every_model_by_itself() -> None:
    once = SongTimes().with_song("m", SongTime("job_1", 60))
    assert once.with_song("m", SongTime("job_1", 90)) == once
    both = once.with_song("other", SongTime("job_2", 90))
    assert {name: len(songs) for name, songs in both.models.items()} == {"m": 1, "other": 1}


def test_the_models_that_callers_invent_push_out_the_one_that_was_ordered_longest_ago() -> None:
    times = SongTimes()
    for number in range(MODELS_KEPT + 1):
        times = times.with_song(f"family-{number}", SongTime(f"job_{number:03d}", 60))
    assert len(times.models) == MODELS_KEPT
    assert "family-0" not in times.models
    assert f"family-{MODELS_KEPT}" in times.models


def test_all_that_is_ever_kept_is_less_than_half_of_what_one_item_may_hold() -> None:
    songs = tuple(SongTime(f"job_{number:026d}", 3600) for number in range(SONGS_KEPT))
    names = [f"minimax/{number:03d}{'x' * 37}" for number in range(MODELS_KEPT)]
    everything = SongTimes(models=dict.fromkeys(names, songs))
    assert len(everything.model_dump_json()) < 400_000 / 2
