"""Refuses parameters that a function would refuse, before the first job runs."""

from collections.abc import Mapping
from typing import Final

from fermata import config
from fermata.errors import ConfigurationError
from local.deploy.deployment import Deployment, unqualified
from local.errors import UsageError

SETTINGS_OF_FUNCTIONS: Final[Mapping[str, type[config.Settings]]] = {
    "SubmitJobFunction": config.SubmitSettings,
    "ReadJobsFunction": config.ShowSettings,
    "CreateReferenceFunction": config.UploadSettings,
    "StartGenerationFunction": config.StartSettings,
    "PrepareReferenceFunction": config.PrepareSettings,
    "PollGenerationFunction": config.PollSettings,
    "StoreAudioFunction": config.StoreSettings,
}
"""The settings of functions that parameters may contradict, by logical id."""


def check_reservations(deployment: Deployment, environments: int) -> None:
    """Raise UsageError if the reservations of functions leave no environment for the other functions."""
    reserved = {spec.logical_id: spec.reserved for spec in deployment.functions.values() if spec.reserved}
    if sum(reserved.values()) >= environments:
        reservations = ", ".join(f"{name} {number}" for name, number in sorted(reserved.items()))
        raise UsageError(
            f"--environments: {environments} is not more than the reserved environments ({reservations}); expected at "
            "least one for all other functions, so raise the number or lower a Reserved parameter"
        )


def check_function_settings(deployment: Deployment) -> None:
    """Raise UsageError naming each function whose settings are wrong or contradict each other."""
    problems = []
    for spec in deployment.functions.values():
        try:
            config.load(SETTINGS_OF_FUNCTIONS.get(spec.logical_id, config.Settings), spec.environment)
        except ConfigurationError as error:
            problems.append(f"{spec.logical_id} would not start: {error}")
    if problems:
        raise UsageError("\n".join(problems))


def start_order(deployment: Deployment) -> tuple[list[str], list[str]]:
    """Return the functions that start before the cloud is ready, because callers wait for them, and the others."""
    authorizers = {unqualified(route.authorizer.function_arn) for route in deployment.routes if route.authorizer}
    waited_for = {unqualified(route.function_arn) for route in deployment.routes} | authorizers
    operator = deployment.outputs.get("ManageTenantsFunctionName")
    at_once = [spec.name for spec in deployment.functions.values() if spec.arn in waited_for or spec.name == operator]
    return at_once, [name for name in deployment.functions if name not in at_once]
