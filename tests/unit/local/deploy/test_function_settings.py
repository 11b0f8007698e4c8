from pathlib import Path

import pytest

from local.deploy.deployment import Deployment, FunctionSpec
from local.deploy.function_settings import check_function_settings, check_reservations
from local.errors import UsageError
from tests.fakes.settings import CIRCUIT_SETTINGS

START = {
    "TABLE_NAME": "jobs",
    "AUDIO_BUCKET": "audio",
    "PROVIDER_KEYS_SECRET_ARN": "arn",
    "PROVIDER_KEY_MAX_AGE_SECONDS": "300",
    "TRUSTED_LOCAL_ORIGINS": "",
    "SETTINGS_VERSION": "none",
    "CONNECT_TIMEOUT_SECONDS": "10",
    "READ_GAP_SECONDS": "600",
    "START_TIMEOUT_SECONDS": "900",
    "POST_RESERVE_SECONDS": "45",
    "CLAIM_MARGIN_SECONDS": "60",
    "RETRY_LATER_SECONDS": "10",
    "CALLBACK_TIMEOUT_SECONDS": "120",
    "API_URL_PARAMETER": "/fermata/fermata/api-url",
    "REFERENCE_LINK_SECONDS": "3600",
    "LIVE_SECRET_ARN": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:live",
    "START_BY_SECONDS": "3600",
    "GENERATION_TIMEOUT_SECONDS": "3600",
    "PATIENCE_SECONDS": "3600",
    "MARKING": "tags",
    **CIRCUIT_SETTINGS,
}


def deployment(**changes: str) -> Deployment:
    spec = FunctionSpec(
        "StartGenerationFunction", "start", "arn", "app.handler", Path("code"), (), 900, 512, {**START, **changes}
    )
    return Deployment({spec.name: spec}, (), {}, {})


def test_settings_that_hold_together_are_accepted() -> None:
    check_function_settings(deployment())


def test_a_silence_longer_than_the_function_lives_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match=r"StartGenerationFunction.*READ_GAP_SECONDS.*START_TIMEOUT_SECONDS"):
        check_function_settings(deployment(READ_GAP_SECONDS="856"))


def test_a_silence_that_just_fits_is_accepted() -> None:
    check_function_settings(deployment(READ_GAP_SECONDS="855"))


def reserving(**reserved: int) -> Deployment:
    functions = {
        name: FunctionSpec(name, name, "arn", "app.handler", Path("code"), (), 3, 128, {}, reserved=number or None)
        for name, number in {**reserved, "OtherFunction": 0}.items()
    }
    return Deployment(functions, (), {}, {})


def test_reservations_leave_an_environment_for_all_other_functions() -> None:
    check_reservations(reserving(StartGenerationFunction=5, SettleJobFunction=2), 8)
    check_reservations(reserving(), 1)
    with pytest.raises(UsageError) as caught:
        check_reservations(reserving(StartGenerationFunction=5, SettleJobFunction=2), 7)
    assert "7 is not more than the reserved environments (SettleJobFunction 2, StartGenerationFunction 5)" in str(
        caught.value
    )
