"""Asks the account for its credentials, concurrency and quotas. It reads only, and costs nothing."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import boto3
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from tooling.preflight.findings import Finding, fine, narrow, refused, unknown

UNRESERVED_AT_LEAST: Final = 100
"""Environments that Lambda keeps unreserved in every account and region."""
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_QUOTAS: Final = (
    ("states", "StartExecution throttle token refill rate per second", "executions started a second"),
    ("states", "StateTransition throttle token refill rate per second", "state transitions a second"),
    ("apigateway", "Throttle rate", "HTTP requests a second"),
)
"""Quotas by service and name, as Service Quotas names them, and what they count."""
ClientOf = Callable[[str], Any]


@dataclass(frozen=True)
class Account:
    """What an account allows in one region; a quota that AWS does not list is left out."""

    environments: int
    unreserved: int
    quotas: Mapping[str, float]
    """Per second, by what they count."""


class NotAllowedError(Exception):
    """The operator's credentials lack a right; the message names the action."""


def identity_findings(client_of: ClientOf, region: str | None) -> list[Finding]:
    """Whose credentials these are, in which region; a refusal where there are none."""
    if not region:
        return [refused("no region: set AWS_REGION, or a region for your profile")]
    try:
        caller = client_of("sts").get_caller_identity()
    except NoCredentialsError:
        return [refused("no credentials: sign in (aws sso login, AWS_PROFILE, or AWS_ACCESS_KEY_ID), then ask again")]
    except (ClientError, BotoCoreError) as error:
        return [refused(f"AWS does not take these credentials: {error}")]
    return [fine(f"credentials of {caller['Arn']} in account {caller['Account']}, region {region}")]


def ask_account(client_of: ClientOf) -> tuple[Account | None, list[Finding]]:
    """The account's numbers, and a finding for each that could not be asked; None where concurrency is unknown."""
    found: list[Finding] = []
    quotas: dict[str, float] = {}
    for service in dict.fromkeys(service for service, _, _ in _QUOTAS):
        try:
            quotas |= dict(_quotas_of(service, client_of("service-quotas")))
        except (NotAllowedError, BotoCoreError, ClientError) as error:
            found.append(unknown(f"quotas of {service}: {error}"))
    missing = [counted for _, _, counted in _QUOTAS if counted not in quotas]
    if missing and not found:
        found.append(unknown(f"Service Quotas lists no {', '.join(missing)} here; see the console of Service Quotas"))
    try:
        limits = allowed("lambda:GetAccountSettings", client_of("lambda").get_account_settings)["AccountLimit"]
    except (NotAllowedError, BotoCoreError, ClientError) as error:
        return None, [*found, refused(f"Lambda's concurrency: {error}")]
    return Account(limits["ConcurrentExecutions"], limits["UnreservedConcurrentExecutions"], quotas), found


def _quotas_of(service: str, client: Any) -> Iterator[tuple[str, float]]:  # noqa: ANN401 - boto3 has no types for it
    wanted = {name: counted for of, name, counted in _QUOTAS if of == service}
    token: dict[str, str] = {}
    while True:
        page = allowed("servicequotas:ListServiceQuotas", client.list_service_quotas, ServiceCode=service, **token)
        for quota in page["Quotas"]:
            if quota["QuotaName"] in wanted:
                yield wanted[quota["QuotaName"]], quota["Value"]
        if "NextToken" not in page:
            return
        token = {"NextToken": page["NextToken"]}


def allowed(action: str, call: Callable[..., Any], **arguments: str) -> Any:  # noqa: ANN401 - an answer of AWS
    """What AWS answers; raises `NotAllowedError` with the action that these credentials lack."""
    try:
        return call(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] in _DENIED:
            raise NotAllowedError(f"these credentials lack {action}; have it allowed, then ask again") from error
        raise


def concurrency_findings(account: Account, reserved: Mapping[str, int], waiting: int) -> Iterator[Finding]:
    """Whether the account can give what the parameters reserve, and what is left for the rest."""
    total = sum(reserved.values())
    named = ", ".join(f"{name} {number}" for name, number in reserved.items() if number)
    if total and account.environments - total < UNRESERVED_AT_LEAST:
        yield refused(
            f"{named} reserve {total} of the account's {account.environments} environments, and Lambda keeps "
            f"{UNRESERVED_AT_LEAST} unreserved: lower them, or have Lambda's concurrency raised"
        )
    elif total and account.unreserved - total < UNRESERVED_AT_LEAST:
        yield narrow(
            f"{named} reserve {total}, and {account.unreserved} environments are unreserved now: AWS refuses it unless "
            "this stack has these reservations already"
        )
    else:
        yield fine(
            f"Lambda runs {account.environments} environments, {account.unreserved} unreserved; reserved: {total}"
        )
    submits = reserved.get("ReservedSubmits", 0)
    if submits and waiting >= submits:
        yield refused(
            f"WaitingEnvironments={waiting} lets waiting requests take all {submits} environments of ReservedSubmits, "
            "so that no order is taken meanwhile: raise the reservation, or lower the other"
        )
    if waiting >= account.environments:
        yield refused(
            f"WaitingEnvironments={waiting} lets waiting requests take all {account.environments} environments of the "
            f"account: set it to {account.environments // 5}, or have Lambda's concurrency raised"
        )
    elif waiting > account.environments / 5:
        yield narrow(f"WaitingEnvironments={waiting} is more than a fifth of {account.environments} environments")


def client_maker(region: str | None) -> ClientOf:
    """A function from a service's name to its client in a region."""
    session: Any = boto3.Session(region_name=region)
    make: ClientOf = session.client
    return make


def region_in_force() -> str | None:
    """The region that SAM would deploy to."""
    try:
        return boto3.Session().region_name
    except NoRegionError:
        return None
