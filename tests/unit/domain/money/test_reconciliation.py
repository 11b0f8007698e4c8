"""Which attempts in doubt a provider's usage export settles, and which it leaves open."""

from datetime import timedelta
from typing import Any

import pytest

from fermata.domain.jobs.attempt import AttemptState
from fermata.domain.money.findings import Finding, Purchase, purchases_of
from fermata.domain.money.reconciliation import foreign_refunds, reconcile
from fermata.domain.money.usage_export import UsageRow
from fermata.domain.providers.failures import ProviderCharged
from fermata.errors import InvalidRequestError
from tests.fakes.clock import NOON
from tests.songs import claimed_attempt, delivered_job, failed_job, rate_limited, submitting_job

YES, NO, UNKNOWN = ProviderCharged.YES, ProviderCharged.NO, ProviderCharged.UNKNOWN
MODEL = "music-2.5"


def purchase(
    name: str,
    minute: int = 0,
    *,
    bought: ProviderCharged = UNKNOWN,
    upstream_id: str | None = None,
    models: frozenset[str] = frozenset({MODEL, "minimax/music-2.5"}),
    is_open: bool = False,
) -> Purchase:
    """An order that took a minute; `name` is its job's."""
    began = NOON + timedelta(minutes=minute)
    attempt = claimed_attempt(
        state=AttemptState.FAILED if bought is UNKNOWN else AttemptState.READY,
        provider_charged=bought,
        upstream_id=upstream_id,
        started_at=began,
        claim_until=began + timedelta(minutes=16),
        finished_at=began + timedelta(minutes=1),
    )
    return Purchase(name, attempt, models, is_open)


def at(minute: float, line: int = 2, **fields: Any) -> UsageRow:  # noqa: ANN401 - fields of a row
    moment = NOON + timedelta(minutes=minute)
    return UsageRow.model_validate({"line": line, "created_at": moment, "model": MODEL, **fields})


def charges(purchases: list[Purchase], *rows: UsageRow) -> dict[str, ProviderCharged]:
    return {finding.purchase.job_id: finding.charged for finding in reconcile(purchases, rows)}


# Rows an hour before and after make the export cover everything in between.
BEFORE, AFTER = purchase("before", -60, bought=YES), purchase("after", 60, bought=YES)
COVER = (at(-60, 90), at(60, 91))


def covered(purchases: list[Purchase], *rows: UsageRow) -> dict[str, ProviderCharged]:
    return charges([BEFORE, *purchases, AFTER], *COVER, *rows)


# ---- by id


@pytest.mark.parametrize(("charged", "expected"), [(True, YES), (False, NO)])
def test_a_row_with_the_id_of_an_attempt_settles_it(charged: bool, expected: ProviderCharged) -> None:
    row = UsageRow(line=2, upstream_id="a1", charged=charged)
    (finding,) = reconcile([purchase("one", upstream_id="a1")], [row])
    assert (finding.charged, finding.reason, finding.line) == (expected, "listed by its id", 2)


def test_an_attempt_whose_id_is_not_among_ids_that_cover_its_time_was_not_charged() -> None:
    purchases = [purchase("one", upstream_id="a1"), purchase("other", bought=YES, upstream_id="a2")]
    ids = (at(-60, upstream_id="x"), at(60, 3, upstream_id="y"), at(0, 4, upstream_id="a2"))
    assert charges([BEFORE, *purchases, AFTER], *ids) == {"one": NO}


def test_an_attempt_whose_id_is_not_listed_stays_unknown_where_the_export_has_no_times() -> None:
    purchases = [purchase("one", upstream_id="a1"), purchase("other", bought=YES, upstream_id="a2")]
    assert charges(purchases, UsageRow(line=2, upstream_id="a2")) == {"one": UNKNOWN}


def test_an_order_whose_answer_was_lost_is_found_by_time_although_the_export_has_ids() -> None:
    assert charges([purchase("one")], at(0.5, upstream_id="never seen")) == {"one": YES}


def test_where_every_row_has_an_id_an_order_with_another_id_hides_no_attempt() -> None:
    purchases = [BEFORE, purchase("one", upstream_id="a1"), purchase("lost"), AFTER]
    rows = (at(-60, upstream_id="x"), at(60, 3, upstream_id="y"), at(0, 4, upstream_id="never seen"))
    assert charges(purchases, *rows) == {"one": NO, "lost": YES}


# ---- by model and time


def test_the_only_row_of_an_attempts_time_settles_it() -> None:
    (finding,) = reconcile([purchase("one")], [at(0.5, 7)])
    assert (finding.charged, finding.reason, finding.line) == (YES, "listed by its model and time", 7)


@pytest.mark.parametrize("minute", [-1.9, 0, 1, 2.9])
def test_the_clocks_may_differ_by_two_minutes(minute: float) -> None:
    assert charges([purchase("one")], at(minute)) == {"one": YES}


@pytest.mark.parametrize("model", ["music-2.5", "MUSIC-2.5", "minimax/music-2.5"])
def test_a_model_may_be_named_as_the_provider_or_as_we_do(model: str) -> None:
    assert charges([purchase("one")], at(0, model=model)) == {"one": YES}


def test_an_attempt_of_a_time_that_the_export_covers_without_listing_it_was_not_charged() -> None:
    assert covered([purchase("one")]) == {"one": NO}


@pytest.mark.parametrize("minute", [-59, 58, 120])
def test_an_attempt_at_the_edge_of_the_export_or_beyond_stays_unknown(minute: int) -> None:
    purchases = [BEFORE, purchase("one", minute), AFTER]
    finding = next(
        each for each in reconcile([*purchases, purchase("far", 300)], COVER) if each.purchase.job_id == "far"
    )
    assert (finding.charged, finding.reason) == (UNKNOWN, "the export does not cover its time")
    assert charges(purchases, *COVER)["one"] is UNKNOWN


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        (0, (UNKNOWN, UNKNOWN)),
        (1, (NO, NO)),
        (2, (UNKNOWN, UNKNOWN)),
        (3, (YES, YES)),
        (4, (UNKNOWN, UNKNOWN)),
    ],
)
def test_orders_that_overlap_are_settled_only_where_counting_leaves_no_choice(
    listed: int, expected: tuple[ProviderCharged, ProviderCharged]
) -> None:
    """Two in doubt and one that was surely bought."""
    purchases = [purchase("one"), purchase("two", 1), purchase("bought", 2, bought=YES)]
    told = covered(purchases, *(at(number / 2, 10 + number) for number in range(listed)))
    assert (told["one"], told["two"]) == expected


def test_a_row_of_a_song_that_was_bought_settles_no_other_of_its_time() -> None:
    assert covered([purchase("one"), purchase("bought", bought=YES)], at(0)) == {"one": NO}


def test_rows_of_another_model_do_not_affect_an_attempt() -> None:
    other = purchase("other", bought=YES, models=frozenset({"music-1.5"}))
    assert covered([purchase("one"), other], at(0, model="music-1.5")) == {"one": NO}


def test_where_rows_name_no_model_all_models_of_a_time_are_counted_together() -> None:
    other = purchase("other", bought=YES, models=frozenset({"music-1.5"}))
    rows = [UsageRow(line=2, upstream_id="x", created_at=NOON), UsageRow(line=3, upstream_id="y", created_at=NOON)]
    assert charges([purchase("one"), other], *rows) == {"one": YES}
    assert charges([purchase("one"), other], rows[0])["one"] is UNKNOWN


def test_a_row_that_was_not_charged_counts_as_none() -> None:
    assert covered([purchase("one")], at(0, charged=False)) == {"one": NO}


@pytest.mark.parametrize("upstream_id", [None, "a1"])
def test_an_open_jobs_attempt_is_left_alone(upstream_id: str | None) -> None:
    assert covered([purchase("one", upstream_id=upstream_id, is_open=True)], at(0, upstream_id="a1")) == {
        "one": UNKNOWN
    }


def test_what_overlaps_with_an_open_order_is_left_alone() -> None:
    assert covered([purchase("one"), purchase("open", bought=YES, is_open=True)], at(0)) == {"one": UNKNOWN}


@pytest.mark.parametrize(
    "row",
    [
        UsageRow(line=9, upstream_id="stranger"),
        at(20, 9),
        at(0, 9, model="another"),
        at(-2.1, 9),
        at(3.1, 9),
        at(20, 9, upstream_id="stranger"),
    ],
)
def test_a_charged_row_that_belongs_to_nothing_that_was_ordered_is_refused_naming_its_line(row: UsageRow) -> None:
    with pytest.raises(InvalidRequestError, match=r"^/rows/9: line 9 belongs to no order"):
        reconcile([BEFORE, purchase("one"), AFTER], [*COVER, row])


def test_an_uncharged_row_need_not_belong_to_an_attempt() -> None:
    assert charges([purchase("one")], UsageRow(line=2, upstream_id="stranger", charged=False)) == {"one": UNKNOWN}


# ---- what is looked at


def test_only_attempts_that_are_not_surely_unpaid_are_purchases() -> None:
    (bought,) = purchases_of(delivered_job())
    assert (bought.models, bought.is_open) == (frozenset({"music-2.5", "minimax/music-2.5"}), False)
    assert list(purchases_of(failed_job(rate_limited()))) == []
    (running,) = purchases_of(submitting_job())
    assert running.is_open


def test_nothing_in_doubt_leaves_nothing_to_find() -> None:
    found: list[Finding] = reconcile([BEFORE, AFTER], COVER)
    assert found == []


# ---- refunds


def back(minute: float, line: int = 20, usd: str = "0.15", **fields: Any) -> UsageRow:  # noqa: ANN401 - fields of a row
    return at(minute, line, cost_usd=f"-{usd}", **fields)


def test_a_refund_without_an_id_settles_the_only_order_of_its_model_before_it() -> None:
    assert charges([purchase("one")], at(0.5, cost_usd="0.15"), back(30)) == {"one": NO}
    assert charges([purchase("one")], at(0.5, cost_usd="0.15"), back(30, usd="0.1")) == {"one": YES}


def test_a_refund_without_an_id_that_may_be_of_several_orders_leaves_them_open() -> None:
    purchases = [purchase("one"), purchase("two", 30)]
    rows = (at(0.5, 2, cost_usd="0.15"), at(30.5, 3, cost_usd="0.15"))
    assert charges(purchases, *rows) == {"one": YES, "two": YES}
    assert charges(purchases, *rows, back(40)) == {"one": UNKNOWN, "two": UNKNOWN}
    assert charges(purchases, *rows, back(20)) == {"one": NO, "two": YES}


def test_a_refund_under_the_id_of_a_charge_that_was_counted_follows_it() -> None:
    rows = (at(0.5, 2, upstream_id="x", cost_usd="0.15"), back(90, upstream_id="x"))
    assert charges([purchase("one"), purchase("two", 60, bought=YES, upstream_id="y")], *rows) == {"one": NO}


def test_an_export_of_refunds_alone_does_not_mark_any_order_as_not_listed() -> None:
    purchases = [purchase("one"), purchase("named", bought=YES, upstream_id="n")]
    rows = (back(-60, 2, upstream_id="a"), back(60, 3, upstream_id="b"))
    assert charges(purchases, *rows) == {"one": UNKNOWN}
    assert foreign_refunds(purchases, rows) == [2, 3]


def test_a_refund_of_an_open_order_is_left_until_it_has_ended() -> None:
    row = UsageRow.model_validate({"line": 2, "upstream_id": "a1", "cost_usd": "-1"})
    assert charges([purchase("one", upstream_id="a1", is_open=True)], row) == {"one": UNKNOWN}
    assert charges([purchase("one", upstream_id="a1", bought=YES, is_open=True)], row) == {}
