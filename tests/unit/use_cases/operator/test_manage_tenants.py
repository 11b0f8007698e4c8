"""What an operator does: create a tenant, issue a key that is shown once and never stored."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from fermata.adapters.key_checks import key_check
from fermata.adapters.providers import load_provider
from fermata.domain.catalogue.models import read_catalogue
from fermata.domain.money.movement import hold_on
from fermata.domain.money.wallet import Plan, Wallet
from fermata.domain.providers.circuit import Circuit
from fermata.domain.providers.state import ProviderState
from fermata.domain.tenants.plan_limits import MAX_AMOUNT
from fermata.errors import InvalidRequestError, NotFoundError
from fermata.use_cases.accounts.authorize_request import authorize_request
from fermata.use_cases.operator.check_provider import CheckPorts
from fermata.use_cases.operator.list_recoverable import RecoverablePorts
from fermata.use_cases.operator.look import LookPorts
from fermata.use_cases.operator.manage_tenants import ManagePorts, manage_tenants
from fermata.use_cases.operator.reconcile import ReconcilePorts
from fermata.use_cases.operator.redeliver import RedeliverPorts
from fermata.use_cases.restore.recover_jobs import RecoverPorts
from fermata.use_cases.webhooks.set_endpoint import EndpointPorts
from tests.fakes.audio.answer_store import InMemoryAnswerStore
from tests.fakes.audio.track_store import InMemoryTrackStore
from tests.fakes.clock import NOON
from tests.fakes.jobs.due_jobs import InMemoryDueJobs
from tests.fakes.jobs.job_store import InMemoryJobStore
from tests.fakes.jobs.machines import RecordingJobMachine
from tests.fakes.jobs.recoverable_jobs import InMemoryRecoverableJobs
from tests.fakes.money.purchases import InMemoryPurchases
from tests.fakes.money.wallet_store import InMemoryWalletStore
from tests.fakes.providers.brake_store import InMemoryBrakeStore
from tests.fakes.providers.provider_keys import FixedProviderKeys
from tests.fakes.providers.provider_states import InMemoryProviderStates
from tests.fakes.providers.upstream import FakeUpstream
from tests.fakes.settings import TRUSTED_ORIGINS
from tests.fakes.tenants.tenant_store import InMemoryTenantStore
from tests.fakes.triggers.trigger_store import InMemoryTriggerStore
from tests.fakes.webhooks.webhook_store import InMemoryWebhookStore
from tests.songs import queued_job

RANDOM = bytes(range(25))


@dataclass
class Office:
    """An operator's desk without tenants; every command has randomness of its own."""

    tenants: InMemoryTenantStore = field(default_factory=InMemoryTenantStore)
    wallets: InMemoryWalletStore = field(default_factory=InMemoryWalletStore)
    jobs: InMemoryJobStore = field(default_factory=InMemoryJobStore)
    provider_states: InMemoryProviderStates = field(default_factory=InMemoryProviderStates)
    brakes: InMemoryBrakeStore = field(default_factory=InMemoryBrakeStore)
    triggers: InMemoryTriggerStore = field(default_factory=InMemoryTriggerStore)
    webhooks: InMemoryWebhookStore = field(default_factory=InMemoryWebhookStore)
    upstream: FakeUpstream = field(default_factory=FakeUpstream)
    now: datetime = NOON
    commands: int = 0

    def carry_out(self, command: object) -> dict[str, object]:
        self.commands += 1
        reconcile = ReconcilePorts(self.jobs, InMemoryPurchases(self.jobs))
        redeliver = RedeliverPorts(self.jobs, InMemoryAnswerStore(), load_provider, RecordingJobMachine(), 60)
        webhooks = EndpointPorts(self.webhooks, TRUSTED_ORIGINS)
        ports = ManagePorts(
            tenants=self.tenants,
            wallets=self.wallets,
            provider_states=self.provider_states,
            brakes=self.brakes,
            triggers=self.triggers,
            reconcile=reconcile,
            redeliver=redeliver,
            recoverable=RecoverablePorts(self.jobs, InMemoryRecoverableJobs(self.jobs)),
            recover=lambda: RecoverPorts(
                jobs=self.jobs,
                due=InMemoryDueJobs(self.jobs),
                answers=InMemoryAnswerStore(),
                tracks=InMemoryTrackStore(),
                providers=load_provider,
                machine=RecordingJobMachine(),
                restored_at=None,
                clock=lambda: self.now,
            ),
            webhooks=webhooks,
            check=lambda: CheckPorts(self.upstream, FixedProviderKeys(), key_check),
            budget=lambda provider: {"minimax": 25_000_000}.get(provider, 0),
            look=LookPorts(
                tenants=self.tenants,
                wallets=self.wallets,
                triggers=self.triggers,
                jobs=self.jobs,
                usage=self.jobs.usage,
                brakes=self.brakes,
                provider_states=self.provider_states,
                catalogue=read_catalogue,
                purchases=InMemoryPurchases(self.jobs),
                recoverable=RecoverablePorts(self.jobs, InMemoryRecoverableJobs(self.jobs)),
                due=InMemoryDueJobs(self.jobs),
            ),
        )
        return dict(manage_tenants(command, ports, self.now, bytes([self.commands]) + RANDOM))


@pytest.fixture
def office() -> Office:
    return Office()


def manage(office: Office, action: str, tenant_id: object = "acme", **more: object) -> dict[str, object]:
    return office.carry_out({"action": action, "tenant_id": tenant_id, **more})


def test_a_created_tenant_is_there(office: Office) -> None:
    answer = manage(office, "create_tenant")
    assert answer == {"tenant_id": "acme", "created_at": "2026-11-21T12:00:00.000Z"}
    assert office.tenants.find_tenant("acme") is not None


def test_an_issued_key_opens_the_api_for_its_tenant(office: Office) -> None:
    manage(office, "create_tenant")
    answer = manage(office, "issue_key")
    caller = authorize_request(f"Bearer {answer['api_key']}", office.tenants, office.now)
    assert caller is not None
    assert (caller.tenant_id, caller.key_id, list(caller.scopes)) == ("acme", answer["key_id"], answer["scopes"])


def test_a_key_itself_is_never_stored(office: Office) -> None:
    manage(office, "create_tenant")
    key = str(manage(office, "issue_key")["api_key"])
    stored = json.dumps([vars(office.tenants)], default=str)
    assert key not in stored
    assert key.rpartition("_")[2] not in stored


def test_a_tenant_is_created_once(office: Office) -> None:
    manage(office, "create_tenant")
    with pytest.raises(InvalidRequestError, match=r"/tenant_id: acme exists already"):
        manage(office, "create_tenant")


def test_a_key_for_an_unknown_tenant_is_refused(office: Office) -> None:
    with pytest.raises(NotFoundError, match="create it first"):
        manage(office, "issue_key")


@pytest.mark.parametrize("tenant_id", ["", "Acme", "a b", "-a", "a" * 64, "a/b", "a\n", "ä", 7, None])
def test_a_tenant_id_is_plain_lower_case(office: Office, tenant_id: object) -> None:
    with pytest.raises(InvalidRequestError, match=r"^/tenant_id: "):
        manage(office, "create_tenant", tenant_id)


@pytest.mark.parametrize(
    "command",
    [None, [], "create_tenant", {}, {"action": "create_tenant"}, {"action": "drop_everything", "tenant_id": "acme"}],
)
def test_a_command_of_another_form_is_refused(office: Office, command: object) -> None:
    with pytest.raises(InvalidRequestError):
        office.carry_out(command)


def test_an_unknown_field_is_refused(office: Office) -> None:
    with pytest.raises(InvalidRequestError, match=r"^/credits: "):
        manage(office, "create_tenant", credits=5)
    assert office.tenants.find_tenant("acme") is None


# ---- credits


def test_a_new_tenant_has_an_empty_prepaid_wallet(office: Office) -> None:
    manage(office, "create_tenant")
    assert office.wallets.find("acme") == Wallet(tenant_id="acme", month="2026-11", plan=Plan.PREPAID)


def test_a_tenant_that_exists_already_keeps_its_credits(office: Office) -> None:
    manage(office, "create_tenant")
    manage(office, "grant", credits=30)
    with pytest.raises(InvalidRequestError):
        manage(office, "create_tenant")
    assert credits_of(office, "balance") == 30


def credits_of(office: Office, name: str) -> object:
    return getattr(office.wallets.find("acme"), name)


def test_each_grant_adds_its_credits_and_one_line_to_the_ledger(office: Office) -> None:
    manage(office, "create_tenant")
    manage(office, "grant", credits=30)
    office.now += timedelta(seconds=1)
    answer = manage(office, "grant", credits=12)
    assert (answer["balance_credits"], answer["granted_credits"], answer["plan"]) == (42, 42, "prepaid")
    assert [(entry.kind, entry.credits) for entry in office.wallets.ledger("acme")] == [("grant", 30), ("grant", 12)]


@pytest.mark.parametrize("amount", [0, -5, 1.5, "5", True, MAX_AMOUNT + 1, 10**400])
@pytest.mark.parametrize("action", ["grant", "set_plan"])
def test_an_amount_is_a_whole_number_above_zero_and_within_reason(office: Office, action: str, amount: object) -> None:
    manage(office, "create_tenant")
    before = office.wallets.find("acme")
    more = {"credits": amount} if action == "grant" else {"plan": "postpaid", "cap_credits": amount}
    with pytest.raises(InvalidRequestError, match=r"^/(cap_)?credits: "):
        manage(office, action, **more)
    assert (office.wallets.find("acme"), office.wallets.ledger("acme")) == (before, [])


@pytest.mark.parametrize(("action", "more"), [("grant", {"credits": 5}), ("set_plan", {"plan": "prepaid"})])
def test_an_unknown_tenant_has_no_credits_to_manage(office: Office, action: str, more: dict[str, object]) -> None:
    with pytest.raises(NotFoundError, match="create it first"):
        manage(office, action, **more)


def test_a_plan_is_changed_with_its_cap_and_back(office: Office) -> None:
    manage(office, "create_tenant")
    manage(office, "grant", credits=30)
    postpaid = manage(office, "set_plan", plan="postpaid", cap_credits=100)
    assert (postpaid["plan"], postpaid["cap_credits"], postpaid["available_credits"]) == ("postpaid", 100, 100)
    prepaid = manage(office, "set_plan", plan="prepaid")
    assert (prepaid["plan"], prepaid["cap_credits"], prepaid["available_credits"]) == ("prepaid", None, 30)


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"plan": "postpaid"}, "/cap_credits"),
        ({"plan": "prepaid", "cap_credits": 5}, "/cap_credits"),
        ({"plan": "barter"}, "/plan"),
        ({}, "/plan"),
        ({"plan": "prepaid", "discount_percent": -1}, "/discount_percent"),
        ({"plan": "prepaid", "discount_percent": 101}, "/discount_percent"),
        ({"plan": "prepaid", "tiers": [{"from_credits": 5, "percent": 101}]}, "/tiers/percent"),
        ({"plan": "prepaid", "tiers": [{"from_credits": -1, "percent": 5}]}, "/tiers/from_credits"),
        ({"plan": "prepaid", "tiers": [{"from_credits": 5}]}, "/tiers/percent"),
        ({"plan": "prepaid", "own_voices": [""]}, "/own_voices/0"),
        ({"plan": "prepaid", "own_voices": ["two words"]}, "/own_voices/0"),
        ({"plan": "prepaid", "own_voices": [str(n) for n in range(51)]}, "/own_voices"),
        ({"plan": "prepaid", "tiers": [{"from_credits": 5, "percent": each} for each in (5, 6)]}, "/tiers"),
        (
            {"plan": "prepaid", "tiers": [{"from_credits": 9, "percent": 4}, {"from_credits": 5, "percent": 5}]},
            "/tiers",
        ),
        ({"plan": "prepaid", "tiers": [{"from_credits": n, "percent": 1} for n in range(21)]}, "/tiers"),
    ],
)
def test_a_senseless_plan_is_refused(office: Office, more: dict[str, object], pointer: str) -> None:
    manage(office, "create_tenant")
    with pytest.raises(InvalidRequestError, match=f"^{pointer}: "):
        manage(office, "set_plan", **more)
    assert credits_of(office, "plan") is Plan.PREPAID


def test_a_plan_has_a_discount_and_tiers_in_order_until_the_next_plan(office: Office) -> None:
    manage(office, "create_tenant")
    tiers = [{"from_credits": 500, "percent": 10}, {"from_credits": 100, "percent": 0}]
    limits = manage(office, "set_plan", plan="prepaid", discount_percent=5, tiers=tiers)["limits"]
    assert isinstance(limits, dict)
    assert (limits["discount_percent"], limits["tiers"]) == (5, tiers[::-1])
    limits = manage(office, "set_plan", plan="prepaid")["limits"]
    assert isinstance(limits, dict)
    assert (limits["discount_percent"], limits["tiers"]) == (0, [])


def test_a_tenant_that_owes_credits_cannot_become_prepaid_before_it_paid(office: Office) -> None:
    manage(office, "create_tenant")
    manage(office, "set_plan", plan="postpaid", cap_credits=100)
    office.wallets.move(hold_on(queued_job()))
    with pytest.raises(InvalidRequestError, match="/plan: acme owes 30 credits"):
        manage(office, "set_plan", plan="prepaid")
    manage(office, "grant", credits=30)
    assert manage(office, "set_plan", plan="prepaid")["balance_credits"] == 0


# ---- providers


def enable(providers: InMemoryProviderStates, provider: str = "minimax") -> dict[str, object]:
    command = {"action": "enable_provider", "provider": provider}
    return Office(provider_states=providers).carry_out(command)


@pytest.mark.parametrize(
    ("circuit", "was"),
    [
        (Circuit(), {"was": "enabled", "disabled_by": None, "lacking": []}),
        (Circuit(open_until_ms=10**15, open_for_ms=600_000), {"was": "open", "disabled_by": None, "lacking": []}),
        (Circuit(disabled_at_ms=1, disabled_by="2153"), {"was": "disabled", "disabled_by": "2153", "lacking": []}),
        (
            Circuit(unentitled_models={"music-2.6": "2061", "music-2.5": "2061"}),
            {"was": "enabled", "disabled_by": None, "lacking": ["music-2.5", "music-2.6"]},
        ),
    ],
)
def test_enabling_a_provider_clears_its_circuit(circuit: Circuit, was: dict[str, object]) -> None:
    providers = InMemoryProviderStates()
    providers.save(ProviderState(provider="minimax", version=1, circuit=circuit))
    assert enable(providers) == {"provider": "minimax", **was}
    assert providers.load("minimax").circuit == Circuit()


def test_an_enable_that_races_a_job_takes_effect() -> None:
    providers = InMemoryProviderStates()
    providers.before_next_save = lambda: providers.save(
        ProviderState(provider="minimax", version=1, circuit=Circuit(disabled_at_ms=1))
    )
    assert enable(providers)["was"] == "disabled"
    assert providers.load("minimax").is_available("music-2.5", NOON)


@pytest.mark.parametrize("name", ["minimax", "all"])
def test_a_pause_holds_until_it_is_resumed_under_its_name(office: Office, name: str) -> None:
    def carry_out(action: str) -> dict[str, object]:
        return office.carry_out({"action": action, "provider": name})

    assert carry_out("pause") == {"provider": name, "paused": True, "changed": True}
    assert carry_out("pause") == {"provider": name, "paused": True, "changed": False}
    assert office.brakes.brakes("minimax", NOON.date()).paused_by == (name,)
    assert carry_out("resume") == {"provider": name, "paused": False, "changed": True}
    assert carry_out("resume") == {"provider": name, "paused": False, "changed": False}
    assert office.brakes.brakes("minimax", NOON.date()).paused_by == ()


def test_a_budget_is_set_until_it_is_reset(office: Office) -> None:
    def carry_out(**words: object) -> dict[str, object]:
        return office.carry_out({"action": "set_budget", "provider": "minimax", **words})

    assert carry_out(daily_budget_usd="12.5") == {"provider": "minimax", "limit_usd": "12.500000", "set": True}
    assert office.brakes.brakes("minimax", NOON.date()).set_micro_usd == 12_500_000
    assert carry_out(daily_budget_usd=0) == {"provider": "minimax", "limit_usd": None, "set": True}
    assert carry_out(reset=True) == {"provider": "minimax", "limit_usd": "25.000000", "set": False}
    assert office.brakes.brakes("minimax", NOON.date()).set_micro_usd is None


@pytest.mark.parametrize(
    "words",
    [
        *({}, {"reset": False}, {"reset": True, "daily_budget_usd": "1"}, {"daily_budget_usd": True}),
        *({"daily_budget_usd": each} for each in ("-1", "NaN", "much", 1_000_001)),
        *({"daily_budget_usd": "1", "provider": each} for each in ("all", "nobody", "", None)),
    ],
    ids=str,
)
def test_a_budget_without_an_amount_or_a_provider_is_refused(office: Office, words: dict[str, object]) -> None:
    with pytest.raises(InvalidRequestError):
        office.carry_out({"action": "set_budget", "provider": "minimax", **words})
    assert office.brakes.budgets == {}


@pytest.mark.parametrize("action", ["pause", "resume"])
@pytest.mark.parametrize("name", ["nobody", "", None, "All"])
def test_only_a_known_provider_or_all_can_be_paused(office: Office, action: str, name: object) -> None:
    with pytest.raises(InvalidRequestError, match=r"^/provider: "):
        office.carry_out({"action": action, "provider": name})


def test_all_providers_cannot_be_enabled_at_once(office: Office) -> None:
    with pytest.raises(InvalidRequestError, match=r"/provider: must be one of minimax, "):
        office.carry_out({"action": "enable_provider", "provider": "all"})


def test_an_unknown_provider_is_refused_naming_the_known_ones() -> None:
    with pytest.raises(InvalidRequestError, match=r"/provider: must be one of minimax, "):
        enable(InMemoryProviderStates(), "nobody")
