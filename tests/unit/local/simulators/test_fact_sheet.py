"""Every documented error is played by its provider's simulator and understood by its provider's dialect."""

import json

import pytest

from fermata.adapters.providers import load_provider
from fermata.domain.providers.calls import Refused, Trouble
from fermata.domain.providers.failures import FailureClass
from local.simulators.faults import parse_fault
from local.simulators.http.exchange import Answer
from tests.fakes.settings import PROVIDERS
from tests.fixtures.http_answers import answer_with
from tests.support.fact_sheet import FactRow, fact_rows
from tests.unit.local.simulators.offline import Provider
from tests.unit.local.simulators.providers.music01 import generate, ids

ROWS = list(fact_rows())
# These come of a file, a link or a job's deadline, never of the answer to a paid request alone.
NOT_FROM_AN_ANSWER = {"bad_audio", "result_expired"}


def label(row: FactRow) -> str:
    return f"{row.dialect}-{row.fault}"


def order(simulated: Provider, row: FactRow) -> Answer:
    """The answer to a paid request in the row's dialect that meets the row's error."""
    references = ids(simulated) if row.dialect == "aimlapi_music01" else {}
    assert simulated.fault(row.fault, on="create").status == 201
    if row.dialect.endswith("_speech"):
        return simulated.speak()
    return generate(simulated, references) if references else simulated.order()


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_a_documented_error_is_played_and_understood(row: FactRow) -> None:
    answer = order(Provider(row.provider), row)
    read = answer_with(answer.body, answer.status, answer.content_type, retry_after=answer.headers.get("retry-after"))
    outcome = load_provider(row.dialect).read_start(read)
    assert isinstance(outcome, Refused), outcome
    failure = outcome.failure
    assert (failure.failure_class.value, failure.provider_charged.value) == (row.failure_class, row.charged)
    assert failure.may_repeat is row.repeated
    number = row.fault.partition(":")[2]
    if row.fault.startswith("code:"):
        assert failure.code == number


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_what_the_dialect_believes_of_the_bill_is_never_less_than_the_bill(row: FactRow) -> None:
    simulated = Provider(row.provider)
    order(simulated, row)
    [item] = simulated.bill["items"]
    assert row.charged != "no" or not item["charged"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_simulator_lists_the_faults_of_its_documented_errors(provider: str) -> None:
    listed = {row["name"]: row["on"] for row in Provider(provider).json("GET", "/_sim/faults", key=None)["faults"]}
    for row in ROWS:
        if row.provider == provider:
            assert "create" in listed[parse_fault(row.fault).kind]


def test_every_class_of_an_answer_is_in_the_table() -> None:
    assert {row.failure_class for row in ROWS} == {each.value for each in FailureClass} - NOT_FROM_AN_ANSWER


@pytest.mark.parametrize(("provider", "poll"), [("aimlapi", "/v2/generate/audio?generation_id="), ("apiinone", "")])
@pytest.mark.parametrize("status", [401, 404])
def test_a_poll_that_is_refused_says_nothing_of_the_task_which_may_have_been_charged(
    provider: str, poll: str, status: int
) -> None:
    simulated = Provider(provider)
    created = json.loads(simulated.order().body)
    task = created.get("id") or created["data"]["task_id"]
    simulated.fault(f"http:{status}", on="poll")
    answer = simulated.request("GET", f"{poll or '/api/v1/tasks/'}{task}")
    outcome = load_provider(provider).read_poll(answer_with(answer.body, answer.status))
    assert isinstance(outcome, Trouble)
    assert outcome.failure.provider_charged.value == "unknown"
