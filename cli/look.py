"""Commands of `fermata-admin` that show tenants, jobs, providers and spending."""

import argparse
import json
from collections.abc import Callable, Mapping
from typing import Any

from cli.keys import Commands, add_tenant

LOOK_FIELDS = ("from_day", "to_day", "credit_usd")
"""The options of these commands beside those of others."""
STATUS = "status"


def as_screen(answer: Mapping[str, Any]) -> str:
    """Return a JSON object with one line for each field, and one for each entry of a list of objects."""
    lines = []
    for name, value in answer.items():
        if isinstance(value, list) and any(isinstance(each, dict) for each in value):
            entries = ",\n".join(f"  {json.dumps(each, ensure_ascii=False)}" for each in value)
            lines.append(f"{json.dumps(name)}: [\n{entries}]")
        else:
            lines.append(f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}")
    return "{" + ",\n".join(lines) + "}"


def add_look_commands(command: Commands, whole_number: Callable[[str], int]) -> None:
    """Add the commands; `whole_number` parses numbers."""
    _add_list(command("list-tenants", "list tenants with their credits"), whole_number)
    add_tenant(command("show-tenant", "show a tenant's account, keys and triggers"))
    what = "show a job with its attempts, the providers' codes, trace ids and costs"
    command("show-job", what).add_argument("job_id", metavar="JOB", help="id of the job")
    command("providers", "show the pause, circuit, budget and queue of each provider")
    command(STATUS, "show in one screen what would be alarming now, and what waits for a person")
    _add_spend(command("spend", "show cost in USD, credits and margin by tenant and model"))


def _add_list(command: argparse.ArgumentParser, whole_number: Callable[[str], int]) -> None:
    command.add_argument("--limit", metavar="N", type=whole_number, help="most tenants of the answer; 100 without it")
    command.add_argument("--cursor", metavar="CURSOR", help="next_cursor of the previous answer")


def _add_spend(command: argparse.ArgumentParser) -> None:
    first = "first day (UTC) on which jobs ended, such as 2026-11-01; the first of the month of --to without it"
    command.add_argument("--from", dest="from_day", metavar="DAY", help=first)
    command.add_argument("--to", dest="to_day", metavar="DAY", help="last day (UTC); today without it")
    command.add_argument("--tenant", dest="tenant_id", metavar="TENANT", help="only this tenant; all without it")
    worth = "what a credit is sold for in USD, such as 0.01; without it there is no revenue and no margin"
    command.add_argument("--credit-usd", metavar="USD", help=worth)
