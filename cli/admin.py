"""`fermata-admin`: operator commands for a cloud on this machine or a stack on AWS; the same as `python -m local
admin`.
"""

import argparse
import json
import re
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, Final, NoReturn, get_args

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from cli.alarms import raised_alarms
from cli.caller import caller_of
from cli.dead_letters import redrive
from cli.denied import denied
from cli.deployed_stack import output_of, outputs_of
from cli.keys import add_key_commands, add_tenant
from cli.look import LOOK_FIELDS, STATUS, add_look_commands, as_screen
from cli.maintenance import (
    CANCEL_ALL,
    MAINTENANCE_FIELDS,
    REDRIVE,
    add_maintenance_commands,
    canceled_of_all_pages,
)
from cli.run_schedule import run_schedule
from cli.shell import STACK_VARIABLE, chosen_stack, chosen_state_dir, stack_name
from cli.webhooks import add_webhook_commands, webhook_of
from fermata.domain.finish.recoverable_list import DEFAULT_LIMIT, LONGEST_LIMIT
from fermata.domain.money.usage_export import MAX_BYTES, parse_usage_export
from fermata.domain.tenants.plan_limits import DEFAULT_LIMITS, Payer, PlanLimits
from fermata.errors import InvalidRequestError
from local.cloud_client import ONE_TRY, client_of
from local.errors import LocalCloudError, UsageError
from local.state_dir import find_state_dir

_OUTPUT: Final = "ManageTenantsFunctionName"
_REFUSALS: Final = frozenset(
    {
        *("InvalidRequestError", "NotFoundError", "NotFinishedError", "AlreadyFinishedError", "OutOfCreditError"),
        *("RateLimitedError", "TooManyJobsError", "MonthlyLimitError", "LostSongsError", "LossesAtRiskError"),
        *("UnpaidJobsError", "NotRotatableError"),
    }
)
_FIELDS: Final = (
    *("tenant_id", "provider", "job_id", "credits", "plan", "cap_credits"),
    *PlanLimits.model_fields,
    *("key_id", "scopes", "expires_at", "days", "overlap_s", "name"),
    *("inbox", "events", "sources"),
    *("limit", "cursor"),
    *("daily_budget_usd", "reset"),
    *LOOK_FIELDS,
    *MAINTENANCE_FIELDS,
)

_DESCRIPTION: Final = "Create and show tenants, issue API keys, grant credits, pause and show providers, set webhooks."
_COMMANDS: Final = (
    ("create-tenant", "create a tenant with an empty prepaid wallet"),
    ("grant", "add credits to a tenant's balance; each grant adds them again"),
    ("set-plan", "limit a tenant's orders by its balance, or by a monthly cap"),
    ("suspend-tenant", "refuse a tenant's orders and changes at once; reads and running jobs go on"),
    ("resume-tenant", "end a tenant's suspension"),
    ("set-triggers", "turn a tenant's inbox and events on or off; omitted options stay unchanged"),
)
_LIMITS: Final = {
    "submits_per_minute": "most orders in a calendar minute",
    "reads_per_minute": "most reads in a calendar minute, roughly",
    "concurrent_jobs": "most jobs that are open at once",
    "refused_orders_per_minute": "most orders in a calendar minute that are refused or repeated, roughly",
    "changes_per_minute": "most deletions, webhook replays, uploads and vain cancels in a calendar minute, roughly",
    "trigger_calls_per_minute": "most events, files and lines in a calendar minute that make no job, roughly",
    "lost_songs_per_day": "most songs in a day (UTC) that the operator pays for and the tenant does not",
    "unpaid_jobs_per_day": "most jobs in a day (UTC) that are canceled, or end unpaid by their own terms",
    "waiting_requests": "most requests that wait for a job's end at once; further ones are answered without waiting",
    "references_per_day": "most offers in a day (UTC) to upload a recording",
    "webhook_posts_per_job": "most webhook posts for one job, over all attempts and replays",
    "webhook_repeats_per_minute": "most repeated webhook posts in a calendar minute, roughly; further ones wait",
    "monthly_credits": "most credits a calendar month (UTC) may cost on any plan",
}
_OFF: Final = "discount in percent on every order"
_CHECK: Final = "check-provider"
_RUN_SCHEDULE: Final = ("run-schedule", "tick")
_ONE, _ONE_OR_ALL = "its id, such as minimax", "its id, such as minimax, or all"
_PROVIDER_COMMANDS: Final = (
    ("enable-provider", "send jobs again to a provider that refused the account or kept failing", _ONE),
    (_CHECK, "tell by a free call whether a provider's keys work; exit code 0 only if all of them do", _ONE),
    ("pause", "order nothing from a provider until it is resumed; running orders continue", _ONE_OR_ALL),
    ("resume", "end a pause; a pause of all and a pause of one provider are separate", _ONE_OR_ALL),
)


class AdminError(LocalCloudError):
    """The command failed; the message says what to do."""


class CommandRefusedError(UsageError):
    """The command was valid and refused, for example because the tenant exists."""


def main(argv: Sequence[str]) -> int:
    """Run one command and print its answer as one JSON object; raises `LocalCloudError`. The exit code is 0, or 1 for a
    check that does not show that all keys work.
    """
    arguments = _parse(argv)
    answer = _answer_of(arguments)
    print(answer)
    return 1 if arguments.command == _CHECK and json.loads(answer).get("works") is not True else 0


def _answer_of(arguments: argparse.Namespace) -> str:
    stack = arguments.stack or (None if arguments.state_dir else chosen_stack())
    if arguments.command in _RUN_SCHEDULE:
        if arguments.stack:
            raise UsageError("a stack on AWS runs its schedules itself; run-schedule is for a cloud on this machine")
        return run_schedule(arguments.function, arguments.state_dir)
    client, outputs = _on_aws(stack) if stack else _on_this_machine(arguments.state_dir)
    if arguments.command == REDRIVE:
        done = redrive(arguments.queue, outputs, client, arguments.limit, dry_run=arguments.dry_run)
        return as_screen(done)
    given = {name: value for name, value in vars(arguments).items() if name in _FIELDS and value is not None}
    extra = {**_rows_of(arguments), **webhook_of(arguments)}
    request = {"action": arguments.command.replace("-", "_"), **given, **extra}
    request["claimed_by"] = caller_of(client("sts"))
    call = partial(_call, client("lambda"), output_of(outputs, _OUTPUT))
    payload = canceled_of_all_pages(call, request) if arguments.command == CANCEL_ALL else call(request)
    if arguments.command != STATUS:
        return json.dumps(payload)
    # The alarms of a laptop are never evaluated.
    raised = raised_alarms(client("cloudwatch"), stack) if stack else []
    return as_screen({"raised_alarms": raised, **payload})


def _call(functions: Any, function: str, request: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401 - a boto3 client
    """The function's answer to one command. Raises `AdminError` and `CommandRefusedError`."""
    try:
        answer = functions.invoke(FunctionName=function, Payload=json.dumps(request).encode())
        payload: dict[str, Any] = json.loads(answer["Payload"].read())
    except (BotoCoreError, ClientError) as error:
        warning = "the command may have taken effect, so check before you repeat it"
        raise AdminError(denied(error) or f"cannot invoke {function}: {error}; {warning}") from error
    if "FunctionError" in answer:
        raise _as_error(function, payload)
    return payload


def _rows_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """The parsed rows of a usage export, because the function cannot read local files."""
    if arguments.command != "reconcile":
        return {}
    try:
        with arguments.file.open("rb") as file:
            rows = parse_usage_export(file.read(MAX_BYTES + 1))
    except OSError as error:
        raise UsageError(f"cannot read {arguments.file}: {error.strerror}") from error
    except InvalidRequestError as error:
        problems = "; ".join(field.message for field in error.fields)
        raise CommandRefusedError(f"refused: {arguments.file}: {problems}; nothing was stored") from None
    return {"rows": [row.model_dump(mode="json", exclude_none=True) for row in rows], "apply": arguments.apply}


def _as_error(function: str, payload: dict[str, Any]) -> LocalCloudError:
    name, message = payload.get("errorType", "unknown error"), payload.get("errorMessage", "")
    if name in _REFUSALS:
        return CommandRefusedError(f"refused: {message}")
    return AdminError(f"{function} failed with {name}; see its log")


def _on_this_machine(state_dir: Path | None) -> tuple[Callable[[str], Any], dict[str, str]]:
    cloud = find_state_dir(state_dir or chosen_state_dir()).running()
    return partial(client_of, cloud), cloud["outputs"]


def _on_aws(stack: str) -> tuple[Callable[[str], Any], dict[str, str]]:
    """A maker of clients, each made when it is first needed, and the outputs of a stack."""

    @cache
    def client(name: str) -> Any:  # noqa: ANN401 - the name decides the type at run time
        try:
            return boto3.client(name, config=ONE_TRY)  # type: ignore[call-overload] # as in `client_of`
        except BotoCoreError as error:
            raise AdminError(f"cannot reach AWS for stack {stack}: {error}") from error

    return client, outputs_of(stack)


def _tier(text: str) -> dict[str, int]:
    """A volume tier such as `5000:10`: 10 percent off once the month has 5,000 spent credits."""
    spent, _, percent = text.partition(":")
    try:
        return {"from_credits": whole_number(spent), "percent": whole_number(percent)}
    except ValueError:
        wanted = "expected FROM:PERCENT in whole numbers, such as 5000:10"
        raise argparse.ArgumentTypeError(f"{wanted}, found {text!r}") from None


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see fermata-admin --help")


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = _Parser(prog="fermata-admin", description=_DESCRIPTION, allow_abbrev=False)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--state-dir", type=Path, help="state directory of a cloud on this machine")
    stack = f"name of a CloudFormation stack; uses your AWS credentials (default: ${STACK_VARIABLE}, else this machine)"
    where.add_argument("--stack", type=stack_name, help=stack)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, what: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=what, description=what, allow_abbrev=False)

    made = {name: command(name, what) for name, what in _COMMANDS}
    for name in _RUN_SCHEDULE:
        scheduled = command(name, "run a scheduled function now, on a cloud on this machine")
        scheduled.add_argument("function", metavar="FUNCTION", help="its folder in functions/, such as reap_jobs")
    for each in made.values():
        add_tenant(each)
    add_key_commands(command, whole_number)
    add_webhook_commands(command, whole_number)
    add_look_commands(command, whole_number)
    add_maintenance_commands(command, whole_number)
    for name, what, which in _PROVIDER_COMMANDS:
        command(name, what).add_argument("provider", metavar="PROVIDER", help=which)
    _add_budget(command("set-budget", "limit what a day's orders to a provider may cost, until --reset"))
    what = "deliver the bought songs of a job that failed or lacks songs, as a new job and without another order"
    command("redeliver", what).add_argument("job_id", metavar="JOB", help="id of the job that failed or lacks songs")
    _add_recoverable(command("list-recoverable", "list paid songs that can be redelivered"))
    command("recover", "finish or refund the jobs that were open when the table was restored; orders nothing")
    _add_reconcile(command("reconcile", "compare attempts of unknown outcome with the provider's usage export"))
    made["grant"].add_argument("credits", metavar="CREDITS", type=whole_number, help="credits to add")
    _add_plan(made["set-plan"])
    _add_triggers(made["set-triggers"])
    return parser.parse_args(argv)


def _add_plan(command: argparse.ArgumentParser) -> None:
    command.add_argument("plan", choices=("prepaid", "postpaid"), help="limit by balance or by cap")
    cap = "most credits, spent and held, in a calendar month (UTC); postpaid only"
    command.add_argument("--cap", dest="cap_credits", metavar="N", type=whole_number, help=cap)
    pays = "who pays for an attempt of unknown outcome if on_unknown let another model deliver; operator without it"
    command.add_argument("--unknown-paid-by", choices=get_args(Payer), help=pays)
    foreign = "orders may name a provider's ids of recordings that others uploaded; not without it"
    command.add_argument("--foreign-reference-ids", action="store_true", default=None, help=foreign)
    own = "ids of voices of your account at MiniMax that the tenant may order and GET /v1/voices shows it; none without"
    command.add_argument("--own-voices", metavar="ID", nargs="+", help=own)
    command.add_argument("--discount-percent", metavar="N", type=whole_number, help=f"{_OFF}; 0 without it")
    tier = "discount in percent once the month's (UTC) spent credits reach FROM; repeat it for each tier"
    command.add_argument(
        "--tier", dest="tiers", metavar="FROM:PERCENT", type=_tier, action="append", help=f"{tier}; none without it"
    )
    for name, what in _LIMITS.items():
        default = getattr(DEFAULT_LIMITS, name)
        without = "no limit" if default is None else default
        option = f"--{name.replace('_', '-')}"
        command.add_argument(option, metavar="N", type=whole_number, help=f"{what}; {without} without it")


def _add_reconcile(command: argparse.ArgumentParser) -> None:
    command.add_argument("provider", metavar="PROVIDER", help=_ONE)
    command.add_argument("file", metavar="FILE", type=Path, help="the export, CSV or JSON")
    command.add_argument("--apply", action="store_true", help="record the result; without it, only show it")


def _add_budget(command: argparse.ArgumentParser) -> None:
    command.add_argument("provider", metavar="PROVIDER", help=_ONE)
    amount = command.add_mutually_exclusive_group(required=True)
    what = "most USD that the orders of a day (UTC) may cost at catalogue prices, such as 25; 0 is no limit"
    amount.add_argument("daily_budget_usd", metavar="USD", nargs="?", help=what)
    amount.add_argument("--reset", action="store_const", const=True, help="let the deployed budget hold again")


def _add_recoverable(command: argparse.ArgumentParser) -> None:
    command.add_argument("--provider", metavar="PROVIDER", help=f"{_ONE}; all without it")
    what = f"most entries of the answer, at most {LONGEST_LIMIT}; {DEFAULT_LIMIT} without it"
    command.add_argument("--limit", metavar="N", type=whole_number, help=what)
    command.add_argument("--cursor", metavar="CURSOR", help="next_cursor of the previous answer")


def _add_triggers(command: argparse.ArgumentParser) -> None:
    whats = {"inbox": "files under requests/TENANT/ in the inbox become jobs", "events": "events become jobs"}
    for name, what in whats.items():
        command.add_argument(f"--{name}", type=_on_or_off, metavar="on|off", help=what)
    what = "all sources of the tenant's events; they replace the current ones, and none removes them"
    command.add_argument("--source", dest="sources", nargs="*", metavar="ACCOUNT/SOURCE", help=what)


def _on_or_off(text: str) -> bool:
    if text not in ("on", "off"):
        raise argparse.ArgumentTypeError(f"expected on or off, found {text}")
    return text == "on"


def whole_number(text: str) -> int:
    """A whole decimal number; raises `ValueError` for any other text."""
    if not re.fullmatch(r"-?[0-9]{1,100}", text):
        raise ValueError(text)
    return int(text)
