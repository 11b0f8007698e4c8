"""The table of `make mutants` follows the code that it breaks."""

import pytest

from tests.functions import ROOT
from tooling.mutants.mutant import Mutant
from tooling.mutants.table import MUTANTS

pytestmark = pytest.mark.check

PROMISES = {
    "agents",
    "answers",
    "claim condition",
    "claim_until",
    "closed as unknown",
    "settle condition",
    "ledger half",
    "reaper condition",
    "idempotency item",
    "resume posting",
    "staging order",
    "status rule",
    "interleavings",
    "inbox",
    "events",
    "keys",
    "limits",
    "lost songs",
    "usage",
    "ledger",
    "patience",
    "links",
    "shares",
    "units",
    "metered cost",
    "discounts",
    "choice",
    "months",
    "bounds",
    "rescue",
    "deletion",
    "disk",
    "references",
    "queue",
    "streams",
    "client",
    "marks",
    "stops",
    "budgets",
    "wallets",
}


def test_every_promise_about_money_is_broken() -> None:
    assert {mutant.name.partition(":")[0] for mutant in MUTANTS} == PROMISES


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_what_a_mutant_breaks_is_in_the_code_once_and_its_tests_exist(mutant: Mutant) -> None:
    assert (ROOT / mutant.file).read_text("utf-8").count(mutant.old) == 1
    for test in mutant.tests:
        file, _, function = test.partition("::")
        assert not function or f"def {function.partition('[')[0]}(" in (ROOT / file).read_text("utf-8")
