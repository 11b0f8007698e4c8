"""The operator's trail: one log line for each command that may change something, with who is said to have given it."""

from collections.abc import Callable
from typing import Final

from pydantic import BaseModel, JsonValue

from fermata.domain.tenants.api_keys import is_key_id
from fermata.errors import FermataError, FieldError, InvalidRequestError
from fermata.log import logger

CLAIM: Final = "claimed_by"
"""The field of an event that names the caller. A function that is invoked directly does not see who invokes it, so this
is what the command line says; CloudTrail's data events of Lambda are the proof.
"""
LONGEST_CLAIM: Final = 300
LOOKS: Final = frozenset(
    {
        *("list_keys", "list_recoverable", "list_tenants", "show_tenant", "show_job"),
        *("providers", "status", "spend", "check_provider"),
    }
)
"""Actions that change nothing and leave no line."""
_OF_A_COMMAND: Final = (
    *("tenant_id", "provider", "key_id", "job_id", "credits", "plan", "cap_credits", "scopes", "days"),
    *("daily_budget_usd", "reset", "end", "dry_run"),
)
_OF_AN_ANSWER: Final = ("key_id", "job_id", "recovered_from", "changed", "tenant_id", "canceled", "followed")


def take_claim(event: object) -> tuple[object, str | None]:
    """Return a command without its claim, and the claim; raises `InvalidRequestError` for one that is no short text."""
    if not isinstance(event, dict) or CLAIM not in event:
        return event, None
    claim = event[CLAIM]
    if claim is not None and (not isinstance(claim, str) or len(claim) > LONGEST_CLAIM):
        raise InvalidRequestError([FieldError(f"/{CLAIM}", f"must be a text of at most {LONGEST_CLAIM} characters")])
    return {name: value for name, value in event.items() if name != CLAIM}, claim


def audited(
    command: BaseModel, claimed_by: str | None, run: Callable[[], dict[str, JsonValue]]
) -> dict[str, JsonValue]:
    """Run a command and return its answer, or raise its error; either leaves a line, without keys, secrets or URLs."""
    asked = command.model_dump(mode="json", exclude_none=True)
    if asked["action"] in LOOKS or asked.get("apply") is False:
        return run()
    said = {CLAIM: claimed_by, "action": asked["action"], **_picked(asked, _OF_A_COMMAND)}
    try:
        answer = run()
    except FermataError as error:
        logger.info("audit", extra={**said, "outcome": type(error).__name__})
        raise
    logger.info("audit", extra={**said, **_picked(answer, _OF_AN_ANSWER), "outcome": "done"})
    return answer


def _picked(facts: dict[str, JsonValue], names: tuple[str, ...]) -> dict[str, JsonValue]:
    picked = {name: facts[name] for name in names if name in facts}
    if "key_id" in picked and not is_key_id(str(picked["key_id"])):
        # Given instead of an id, it may be a whole key.
        picked["key_id"] = None
    return picked
