"""A caller receives "nothing new" only while that is true and its links still work."""

from datetime import timedelta

import pytest

from fermata.api.responses.job import Job
from fermata.domain.catalogue.models import Estimate
from fermata.domain.jobs.job import Job as StoredJob
from fermata.domain.jobs.view import JobView, Link
from fermata.domain.web.entity_tag import entity_tag, is_known
from tests.fakes.clock import NOON
from tests.songs import delivered_job, queued_job, submitting_job

TTL_S = 900
TAG = 'W/"abc"'


def tag(job: StoredJob, seconds: float = 0, p50_s: int = 70, url: str = "https://a.example/1") -> str:
    now = NOON + timedelta(seconds=seconds)
    links = {1: Link(url, now + timedelta(seconds=TTL_S))}
    view = JobView(job, Estimate(p50_s=p50_s, p80_s=120), links, TTL_S)
    return entity_tag(Job.of(view, "https://api.example.com").as_json(), TTL_S, now)


def test_a_new_link_alone_is_nothing_new() -> None:
    assert tag(delivered_job()) == tag(delivered_job(), 1, url="https://a.example/2")


def test_new_links_beside_a_track_are_nothing_new_and_the_first_of_them_is() -> None:
    def shown(subtitles: str | None, peaks: str | None) -> str:
        link = Link("https://a.example/1", NOON, subtitles, peaks_url=peaks)
        view = JobView(delivered_job(), links={1: link}, link_ttl_s=TTL_S)
        return entity_tag(Job.of(view, "https://api.example.com").as_json(), TTL_S, NOON)

    assert shown("https://a.example/s?1", "https://a.example/p?1") == shown(
        "https://a.example/s?2", "https://a.example/p?2"
    )
    assert len({shown(None, None), shown("https://a.example/s", None), shown(None, "https://a.example/p")}) == 3


@pytest.mark.parametrize("began_after_s", range(0, 900, 90))
def test_an_unchanged_tag_means_links_with_half_of_their_life_left(began_after_s: int) -> None:
    first = tag(delivered_job(), began_after_s)
    same = [age for age in range(TTL_S) if tag(delivered_job(), began_after_s + age) == first]
    assert max(same) < TTL_S / 2


def test_a_job_without_links_does_not_age() -> None:
    assert tag(queued_job()) == tag(queued_job(), 86_400)


def test_every_change_gives_a_new_tag() -> None:
    tags = [tag(queued_job()), tag(queued_job(), p50_s=71), tag(submitting_job()), tag(delivered_job())]
    tags.append(tag(queued_job(request=queued_job().request.model_copy(update={"title": "Rain"}))))
    assert len(set(tags)) == len(tags)


def test_a_tag_is_weak_and_fits_into_a_header() -> None:
    assert tag(delivered_job()).startswith('W/"')
    assert is_known(tag(delivered_job()), tag(delivered_job()))


@pytest.mark.parametrize("header", [TAG, '"abc"', 'W/"x", W/"abc"', '"x","abc"', "*", " * ", 'nonsense, "abc"'])
def test_a_tag_is_known_where_the_header_names_it_or_all(header: str) -> None:
    assert is_known(header, TAG)


@pytest.mark.parametrize("header", ["", "abc", '"abcd"', '"ab"', 'W/"ABC"', '"*"', "W/", '"', '"' * 9999])
def test_any_other_header_does_not_know_it(header: str) -> None:
    assert not is_known(header, TAG)
