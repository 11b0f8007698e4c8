"""Keys on the whole cloud, by the operator's command line."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.integration.song import Cloud


def admin(cloud: Cloud, *arguments: str) -> dict[str, Any]:
    """What an operator's command answers."""
    command = [sys.executable, "-m", "local", "admin", "--state-dir", cloud.line["state_dir"], *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def account(cloud: Cloud, key: dict[str, Any]) -> int:
    with cloud.http(key["api_key"]) as http:
        return http.get("/v1/account").status_code


def test_keys_are_scoped_rotated_and_revoked_within_the_authorizers_time(cloud: Cloud) -> None:
    cloud.manage(action="create_tenant", tenant_id="keyholder")
    old = admin(cloud, "issue-key", "keyholder", "--scope", "account:read", "--days", "1")
    assert account(cloud, old) == 200
    with cloud.http(old["api_key"]) as http:
        refused = http.get("/v1/jobs")
        assert (refused.status_code, refused.json()["required_scope"]) == (403, "jobs:read")
    new = admin(cloud, "rotate-key", old["key_id"], "--overlap", "3600")
    assert [account(cloud, key) for key in (old, new)] == [200, 200]
    cloud.manage(action="revoke_key", key_id=old["key_id"])
    cloud.until(lambda: account(cloud, old) == 403)
    assert account(cloud, new) == 200
    listed = {key["key_id"]: key for key in cloud.manage(action="list_keys", tenant_id="keyholder")["keys"]}
    assert (listed[old["key_id"]]["rotated_to"], listed[new["key_id"]]["scopes"]) == (new["key_id"], ["account:read"])
    assert all(key["last_used_at"] for key in listed.values())
    assert new["api_key"] not in json.dumps(listed)
