"""`admin check-provider` against every simulated provider: nothing is ordered, and no key is shown."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.song import TLS, Cloud

ROOT = Path(__file__).parents[4]
WRONG = "sk-canary-of-a-wrong-key"


def check(cloud: Cloud, provider: str) -> tuple[int, dict[str, Any]]:
    """The exit code and the answer."""
    said = cloud.admin("check-provider", provider)
    assert WRONG not in f"{said}"
    return said.code, said.answer


def posts(cloud: Cloud, provider: str) -> int:
    bill: dict[str, int] = (
        httpx.get(f"{cloud.line['simulators'][provider]}/_sim/bill", verify=TLS).raise_for_status().json()
    )
    return bill["posts"]


@pytest.mark.parametrize("provider", ["minimax", "aimlapi", "apiinone"])
def test_a_check_tells_a_working_key_from_a_wrong_one_and_orders_nothing(cloud: Cloud, provider: str) -> None:
    before = posts(cloud, provider)
    exit_code, found = check(cloud, provider)
    assert (exit_code, found["works"], [key["works"] for key in found["keys"]]) == (0, True, [True])

    secret, secrets = cloud.line["outputs"]["ProviderKeysSecretArn"], cloud.aws("secretsmanager")
    stored = json.loads(secrets.get_secret_value(SecretId=secret)["SecretString"])
    try:
        keys = {"default": stored[provider], "wrong": WRONG}
        secrets.put_secret_value(SecretId=secret, SecretString=json.dumps({**stored, provider: keys}))
        exit_code, found = check(cloud, provider)
    finally:
        secrets.put_secret_value(SecretId=secret, SecretString=json.dumps(stored))
    assert (exit_code, found["works"]) == (1, False)
    assert {key["key_alias"]: key["works"] for key in found["keys"]} == {"default": True, "wrong": False}
    assert posts(cloud, provider) == before
    assert WRONG not in "".join(path.read_text("utf-8") for path in Path(cloud.line["logs_dir"]).glob("*.jsonl"))


def test_a_provider_without_a_free_call_is_not_called(cloud: Cloud) -> None:
    exit_code, found = check(cloud, "skillboss")
    assert (exit_code, found["works"], found["free_call"]) == (1, None, None)
