"""An account shows what bounds its tenant."""

from fermata.api.responses.account import Limits
from fermata.domain.tenants.plan_limits import DEFAULT_LIMITS, PlanLimits


def test_an_account_shows_every_limit_of_a_plan_and_nothing_else() -> None:
    assert set(Limits.model_fields) == set(PlanLimits.model_fields)
    assert Limits.of(DEFAULT_LIMITS).as_json() == DEFAULT_LIMITS.model_dump(mode="json")
