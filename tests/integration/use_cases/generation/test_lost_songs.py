"""Songs that a provider is paid for and the tenant is not: no tenant gets them for nothing without end."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.song import Cloud, request
from tests.soak.attacks import Tenant
from tests.soak.lost_songs import KINDS, Losing, lose

MODEL = "minimax/music-2.0"
"""Of the catalogue's times, which the fast parameters leave as they are: P80 110 s."""
QUICK_SONGS = 5
PRICE = 6
TIGHT_S = (60, 120, 200)
"""More than twice what quick songs take, and less than twice the catalogue's P80."""


def in_(seconds: int) -> str:
    return f"{datetime.now(UTC) + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"


def test_five_quick_songs_make_no_deadline_short(cloud: Cloud) -> None:
    tenant = Tenant(cloud, 1_000)
    for number in range(QUICK_SONGS):
        song = tenant.order(f"quick song {number}", model=MODEL).json()
        assert tenant.ended(song["id"])["error"] is None
    # An environment remembers estimates for half a minute; another one reads what the songs taught.
    cloud.start_anew("SubmitJobFunction")

    def has_learned() -> bool:
        quote = tenant.http.post("/v1/quote", json=request("a quick song", model=MODEL))
        return quote.is_success and quote.json()["estimate"]["p80_s"] < min(TIGHT_S) / 2

    cloud.until(has_learned)
    tight = [tenant.order(f"tight {s} s", model=MODEL, finish_by=in_(s)) for s in TIGHT_S]
    assert [answer.status_code for answer in tight] == [422] * len(TIGHT_S)
    assert ["is too soon" in answer.text for answer in tight] == [True] * len(TIGHT_S), [
        answer.text for answer in tight
    ]
    account = tenant.http.get("/v1/account").json()
    assert (account["spent_credits"], account["held_credits"]) == (QUICK_SONGS * PRICE, 0)
    assert tenant.order("time enough", model=MODEL, finish_by=in_(300)).status_code == 202


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_no_more_songs_are_lost_in_a_day_than_the_plan_allows(cloud: Cloud, kind: Losing) -> None:
    lost = lose(cloud, kind, smoke=True)
    # An order that goes on to another model holds two places, so that the last one may find no room for it.
    assert 0 < lost.songs <= lost.allowed
    assert lost.songs == lost.allowed or "on_unknown" in kind.name
    assert lost.answers["429 lost_songs_limit"] == lost.orders - lost.songs
