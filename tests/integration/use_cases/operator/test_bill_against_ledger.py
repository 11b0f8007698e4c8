"""Sixty jobs of all providers, a fifth of them with faults: what was billed is what the records say."""

from collections.abc import Callable

import pytest

from tests.integration.song import Cloud
from tests.soak.bill_against_ledger import Soak, arguments_of_the_cloud, faults_of, planned

JOBS = 60
SEED = 0


@pytest.mark.long
def test_every_bill_item_has_its_attempt_and_every_attempt_says_what_was_billed(
    start_cloud: Callable[..., Cloud],
) -> None:
    plans = planned(JOBS, SEED)
    assert {provider for provider, _ in faults_of(plans)} == {
        "minimax",
        "skillboss",
        "apiinone",
        "aimlapi",
        "aimlapi_speech",
    }
    assert {plan.charged for plan in plans if plan.fault} == {"yes", "no", "unknown"}

    assert Soak.on(start_cloud(*arguments_of_the_cloud())).play(plans) == (plans, [])
