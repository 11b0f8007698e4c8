"""What is refused before a deployment costs money, and what is only said."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from tooling.preflight.__main__ import main, preflight, report
from tooling.preflight.account import Account, ask_account, concurrency_findings, identity_findings
from tooling.preflight.capacity import capacity_findings
from tooling.preflight.findings import Finding, Weight, fine, narrow, refused, unknown
from tooling.preflight.parameters import ENVIRONMENTS, ROOT, given_parameters, parameter_findings
from tooling.preflight.sam_version import ask_sam, sam_finding

CALLER = {"Arn": "arn:aws:iam::123456789012:user/ops", "Account": "123456789012"}
QUOTAS = {
    "states": {
        "StartExecution throttle token refill rate per second": 300.0,
        "StateTransition throttle token refill rate per second": 5000.0,
    },
    "apigateway": {"Throttle rate": 10000.0, "Something else": 1.0},
}


class FakeAws:
    """An account whose answers are given; an exception in the place of an answer is raised."""

    def __init__(self, environments: int = 1000, unreserved: int | None = None, **instead: Exception) -> None:
        free = environments if unreserved is None else unreserved
        self._limits = {"ConcurrentExecutions": environments, "UnreservedConcurrentExecutions": free}
        self._instead = instead

    def __call__(self, _service: str) -> "FakeAws":
        return self

    def get_caller_identity(self) -> Mapping[str, str]:
        self._raise("identity")
        return CALLER

    def get_account_settings(self) -> Mapping[str, Any]:
        self._raise("settings")
        return {"AccountLimit": self._limits}

    def list_service_quotas(self, *, ServiceCode: str, NextToken: str = "") -> dict[str, Any]:  # noqa: N803 (boto3's)
        self._raise("quotas")
        quotas = [{"QuotaName": name, "Value": value} for name, value in QUOTAS[ServiceCode].items()]
        return {"Quotas": quotas[1:]} if NextToken else {"Quotas": quotas[:1], "NextToken": "more"}

    def _raise(self, call: str) -> None:
        if call in self._instead:
            raise self._instead[call]


def denied(code: str = "AccessDeniedException") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "Call")


def refusals(found: list[Finding]) -> list[str]:
    return [finding.sentence for finding in found if finding.weight is Weight.REFUSED]


def test_an_account_with_everything_is_told_what_binds_first(capsys: pytest.CaptureFixture[str]) -> None:
    found = preflight({}, FakeAws(), "eu-west-1", lambda: "SAM CLI, version 99.0.0")

    assert report(found) == 0
    out = capsys.readouterr().out
    assert "ok: credentials of arn:aws:iam::123456789012:user/ops in account 123456789012, region eu-west-1" in out
    assert "ok: binds first: 1000 environments of Lambda, each busy 75 s for a song: about 13.3 songs a second" in out
    assert "unknown:" not in out


def test_what_binds_first_is_the_least_of_all_quotas() -> None:
    few = {"executions started a second": 2.0}

    first, *others = capacity_findings(Account(1000, 1000, few))

    assert first.sentence == "binds first: 2 executions started a second, 2 a song: about 1.0 songs a second"
    assert len(others) == 1


def test_without_a_region_or_credentials_nothing_else_is_asked() -> None:
    assert refusals(identity_findings(FakeAws(), None)) == [
        "no region: set AWS_REGION, or a region for your profile",
    ]
    found = preflight({}, FakeAws(identity=NoCredentialsError()), "eu-west-1", lambda: "SAM CLI, version 99.0.0")

    (why,) = refusals(found)
    assert why.startswith("no credentials: sign in")
    assert found[-1].weight is Weight.REFUSED


def test_credentials_that_aws_does_not_take_are_refused() -> None:
    (why,) = refusals(identity_findings(FakeAws(identity=denied("ExpiredToken")), "eu-west-1"))

    assert "does not take these credentials" in why
    assert "ExpiredToken" in why


def test_an_operator_without_rights_is_told_the_action() -> None:
    account, found = ask_account(FakeAws(settings=denied(), quotas=denied("AccessDenied")))

    assert account is None
    assert [finding.weight for finding in found] == [Weight.UNKNOWN, Weight.UNKNOWN, Weight.REFUSED]
    assert "these credentials lack servicequotas:ListServiceQuotas" in found[0].sentence
    assert "these credentials lack lambda:GetAccountSettings" in found[-1].sentence


def test_another_error_of_aws_is_said_as_it_is() -> None:
    account, found = ask_account(FakeAws(settings=denied("ServiceException")))

    assert account is None
    assert "ServiceException" in found[-1].sentence


def test_a_new_account_is_refused_what_it_cannot_reserve() -> None:
    found = list(concurrency_findings(Account(10, 10, {}), {"ReservedStarts": 5, "ReservedLive": 0}, 2))

    (why,) = refusals(found)
    assert why.startswith(
        "ReservedStarts 5 reserve 5 of the account's 10 environments, and Lambda keeps 100 unreserved"
    )


@pytest.mark.parametrize(("submits", "expected"), [(0, 0), (10, 1), (9, 1), (11, 0)])
def test_a_reservation_of_orders_must_leave_room_beside_the_requests_that_wait(submits: int, expected: int) -> None:
    why = refusals(list(concurrency_findings(Account(1000, 1000, {}), {"ReservedSubmits": submits}, 10)))

    assert len(why) == expected
    assert all("no order is taken meanwhile" in sentence for sentence in why)


def test_a_new_account_is_refused_requests_that_wait_in_all_its_environments() -> None:
    (why,) = refusals(list(concurrency_findings(Account(10, 10, {}), {}, 10)))

    assert "set it to 2" in why


@pytest.mark.parametrize(
    ("environments", "unreserved", "reserved", "waiting", "expected"),
    [
        (1000, 1000, 900, 200, [Weight.FINE]),
        (1000, 1000, 901, 200, [Weight.REFUSED]),
        (1000, 999, 900, 200, [Weight.NARROW]),
        (1000, 1000, 0, 201, [Weight.FINE, Weight.NARROW]),
        (1000, 1000, 0, 999, [Weight.FINE, Weight.NARROW]),
        (1000, 1000, 0, 1000, [Weight.FINE, Weight.REFUSED]),
    ],
)
def test_reservations_and_waiting_requests_are_held_against_the_account(
    environments: int, unreserved: int, reserved: int, waiting: int, expected: list[Weight]
) -> None:
    found = concurrency_findings(Account(environments, unreserved, {}), {"ReservedStarts": reserved}, waiting)

    assert [finding.weight for finding in found] == expected


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"LinkTtlSeconds": "9000"}, "LinkTtlSeconds: expected at most 3600"),
        ({"LinkTtlSecond": "9"}, "did you mean LinkTtlSeconds?"),
        ({"StartBySeconds": "1.5"}, "START_BY_SECONDS Input should be a valid integer"),
        ({"ReadGapSeconds": "900"}, "READ_GAP_SECONDS + POST_RESERVE_SECONDS = 945 is more than"),
        ({"PatienceSeconds": "21600"}, "more than the 21600 s that an execution may take"),
        ({"CircuitOpenSeconds": "900"}, "CIRCUIT_LONGEST_OPEN_SECONDS = 600 is less than"),
        ({"ProviderSettings": '{"minimax":{"rpn":1}}'}, "ProviderSettings.minimax.rpn is not a setting"),
        ({"PriceOverrides": '{"no/model":{"price_credits":1}}'}, "there is no model no/model"),
        ({"ModelLatencyPriors": "nonsense"}, "ModelLatencyPriors"),
        ({"DefaultFallbacks": '{"minimax/music-2.0":["no/model"]}'}, "DefaultFallbacks: the catalogue lacks no/model"),
        ({"DefaultFallbacks": "[]"}, "DefaultFallbacks: expected a JSON object"),
        ({"MinimaxRpm": "70000"}, "MinimaxRpm"),
    ],
)
def test_a_parameter_that_would_fail_later_is_refused(given: dict[str, str], why: str) -> None:
    assert any(why in sentence for sentence in refusals(parameter_findings(given)))


@pytest.mark.parametrize("environment", ["default", *ENVIRONMENTS])
def test_every_environment_of_the_file_has_parameters_that_the_template_takes(environment: str) -> None:
    assert refusals(parameter_findings(given_parameters(environment, ""))) == []


def test_parameters_of_ones_own_stand_over_those_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "samconfig.toml"
    file.write_text('[dev.deploy.parameters]\nparameter_overrides = "A=1 B=2"\n', "utf-8")

    assert given_parameters("dev", "B=3  C=a=b", file) == {"A": "1", "B": "3", "C": "a=b"}
    assert given_parameters("prod", "", file) == {}
    with pytest.raises(ValueError, match="expected Name=Value, found 'B'"):
        given_parameters("dev", "B", file)


def test_an_older_sam_and_none_are_refused_and_ours_is_not(tmp_path: Path) -> None:
    lock = (ROOT / "tooling" / "sam.lock").read_text("utf-8")

    assert sam_finding("SAM CLI, version 1.99.0", lock).weight is Weight.REFUSED
    assert sam_finding(None, lock) == refused("the SAM CLI does not run: make setup brings it")
    assert sam_finding("SAM CLI, version 2.0.0", lock) == fine("SAM CLI 2.0.0")
    assert ask_sam(tmp_path / "sam") is None


def test_refusals_come_last_and_decide_the_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert report([refused("no"), fine("yes"), narrow("hardly"), unknown("who knows")]) == 1

    told = capsys.readouterr()
    assert told.out == "ok: yes\nnarrow: hardly\nunknown: who knows\n"
    assert told.err == "refused: no\n"


@pytest.mark.parametrize("argument", [["--environment", "test"], ["--params", "B"]])
def test_bad_arguments_are_exit_code_2(argument: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(argument)

    assert ended.value.code == 2
