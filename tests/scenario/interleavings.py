"""Whatever callers, providers, operators and crashes do, in whatever order: nothing is paid twice or left behind."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from hypothesis import HealthCheck, settings
from hypothesis import seed as with_seed
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from moto import mock_aws

from fermata.adapters.dynamodb.jobs.due_jobs import DynamoDueJobs
from fermata.adapters.dynamodb.providers.brake_store import DynamoBrakeStore
from fermata.adapters.dynamodb.providers.callback_store import DynamoCallbackStore
from fermata.adapters.dynamodb.transactions import DynamoTransactions
from tests.fakes.money.ledger import Ledger, ledger_in_dynamodb, ledger_in_memory
from tests.scenario.orders import CHAINS
from tests.scenario.providers import FATES
from tests.scenario.scenario import TENANTS, Scenario, crash, trouble
from tests.scenario.world import ScenarioWorld
from tests.support.cloud import TABLE, dynamodb_with_table
from tests.support.direct_dynamodb import directly, empty

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

JOBS = st.integers(0, 3)
# One draw for all arguments of a rule: drawing takes longer than what is drawn.
SWITCH = (False, True)
ORDERS = st.sampled_from(list(product(sorted(TENANTS), range(len(CHAINS)), range(len(FATES)), SWITCH, SWITCH)))
JOBS_AND_A_SWITCH = st.sampled_from(list(product(range(4), SWITCH)))

UPSETS = st.sampled_from(list(product(range(16), range(4), range(10))))
"""At which of the next places, which job is next, and what happens. Few runs have more places than 16."""

WITHIN_A_RUN_S = 100
"""Time that may pass while a function runs: less than it may live."""


class Interleavings(RuleBasedStateMachine):
    """Everything that may happen, in an order that Hypothesis chooses."""

    scratch: ClassVar[Path]

    def __init__(self) -> None:
        super().__init__()
        self.scenario = self.new_scenario(self.scratch)

    @classmethod
    @contextmanager
    def around_all(cls) -> Iterator[None]:
        """What is made once for all examples."""
        yield

    def new_scenario(self, scratch: Path) -> Scenario:
        ledger = ledger_in_memory()
        return Scenario(ScenarioWorld(jobs=cast("Any", ledger.jobs), wallet_store=ledger.wallets), ledger, scratch)

    @initialize(orders=st.tuples(ORDERS, ORDERS))
    def begin(self, orders: tuple[tuple[str, int, int, bool, bool], ...]) -> None:
        for order in orders:
            self.submit(order)

    @rule(order=ORDERS)
    def submit(self, order: tuple[str, int, int, bool, bool]) -> None:
        tenant, chain, fate, keyed, hurried = order
        self.scenario.submit(tenant, chain, fate, keyed=keyed, hurried=hurried)

    @rule(what=st.sampled_from(list(product(range(4), (1, 3, 6)))))
    def advance(self, what: tuple[int, int]) -> None:
        job, states = what
        for _ in range(states):
            self.scenario.advance_job(job)

    @rule(job=JOBS)
    def submit_again(self, job: int) -> None:
        self.scenario.submit_again(job)

    @rule(job=JOBS)
    def cancel(self, job: int) -> None:
        self.scenario.cancel(job)

    @rule(job=JOBS)
    def delete(self, job: int) -> None:
        self.scenario.delete(job)

    @rule(job=JOBS)
    def call_back(self, job: int) -> None:
        self.scenario.call_back(job)

    @rule(what=JOBS_AND_A_SWITCH)
    def invoke_again(self, what: tuple[int, bool]) -> None:
        job, may_post = what
        self.scenario.invoke_again(job, may_post=may_post)

    @rule(what=JOBS_AND_A_SWITCH)
    def stop(self, what: tuple[int, bool]) -> None:
        job, told = what
        self.scenario.stop(job, told=told)

    @rule(seconds=st.sampled_from((1, 60, 330, 1000, 4000, 90_000)))
    def pass_time(self, seconds: int) -> None:
        self.scenario.pass_time(seconds)

    @rule()
    def reap(self) -> None:
        self.scenario.reap()

    @rule(job=JOBS)
    def rescue(self, job: int) -> None:
        self.scenario.rescue(job)

    @rule(event=UPSETS)
    def upset_a_rescue(self, event: tuple[int, int, int]) -> None:
        """Something happens in the middle of a rescue."""
        at, job, what = event
        scenario = self.scenario
        meanwhile: tuple[Callable[[], object], ...] = (
            crash,
            trouble,
            scenario.reap,
            lambda: scenario.delete(job),
            lambda: scenario.rescue(job),
            lambda: scenario.pass_time(WITHIN_A_RUN_S),
        )
        scenario.seams.arm(at, meanwhile[what % len(meanwhile)])
        scenario.rescue(job)

    @rule(name=st.sampled_from(("all", "minimax")))
    def pause(self, name: str) -> None:
        self.scenario.pause(name)

    @rule(name=st.sampled_from(("all", "minimax")))
    def resume(self, name: str) -> None:
        self.scenario.resume(name)

    @rule(event=UPSETS)
    def upset(self, event: tuple[int, int, int]) -> None:
        """Something happens in the middle of what a job, or the reaper, does next."""
        at, job, what = event
        scenario = self.scenario
        meanwhile: tuple[Callable[[], object], ...] = (
            crash,
            trouble,
            scenario.reap,
            lambda: scenario.cancel(job),
            lambda: scenario.submit_again(job),
            lambda: scenario.invoke_again(job, may_post=True),
            lambda: scenario.invoke_again(job, may_post=False),
            lambda: scenario.stop(job, told=True),
            lambda: scenario.call_back(job),
            lambda: scenario.pass_time(WITHIN_A_RUN_S),
        )
        scenario.seams.arm(at, meanwhile[what])
        scenario.advance_job(job)

    @invariant()
    def holds(self) -> None:
        self.scenario.check()

    def teardown(self) -> None:
        with self.scenario.world:
            self.scenario.finish()


class InterleavingsInDynamoDB(Interleavings):
    """The same with jobs, wallets, callbacks, pauses, budgets and the reaper's index in DynamoDB."""

    client: ClassVar["DynamoDBClient"]

    @classmethod
    @contextmanager
    def around_all(cls) -> Iterator[None]:
        with mock_aws():
            InterleavingsInDynamoDB.client = directly(dynamodb_with_table())
            yield

    def new_scenario(self, scratch: Path) -> Scenario:
        client = self.client
        empty(client, TABLE)
        transactions = DynamoTransactions(client, TABLE)
        ledger: Ledger = ledger_in_dynamodb(client)
        world = ScenarioWorld(
            jobs=cast("Any", ledger.jobs),
            callbacks=cast("Any", DynamoCallbackStore(client, TABLE)),
            due=DynamoDueJobs(transactions),
            brake_store=DynamoBrakeStore(transactions),
            wallet_store=ledger.wallets,
        )
        return Scenario(world, ledger, scratch)


def play(kind: type[Interleavings], examples: int, scratch: Path, seed: int | None = None) -> None:
    """Play so many examples of up to 30 steps; always the same ones without a seed."""
    chosen = settings(
        max_examples=examples,
        stateful_step_count=30,
        deadline=None,
        derandomize=seed is None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    here = type(kind.__name__, (kind,), {"scratch": scratch})
    if seed is not None:
        here = with_seed(seed)(here)
    # What hundreds of thousands of runs log would fill the memory of the test that keeps it.
    logging.disable(logging.CRITICAL)
    try:
        with kind.around_all():
            run_state_machine_as_test(here, settings=chosen)
    finally:
        logging.disable(logging.NOTSET)
