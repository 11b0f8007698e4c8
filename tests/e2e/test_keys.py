"""Keys that a tenant makes for itself."""

from tests.e2e.stack import Stack


def test_a_rotated_key_opens_and_the_one_before_does_not(stack: Stack) -> None:
    with stack.http() as http:
        issued = http.post("/v1/keys", json={"name": f"e2e {stack.run}", "scopes": ["jobs:read"]})
        assert issued.status_code == 201, issued.text
        old = issued.json()
        rotated = http.post(f"/v1/keys/{old['id']}/rotate", json={"overlap_s": 0})
        assert rotated.status_code == 201, rotated.text
        new = rotated.json()
    with stack.http(new["api_key"]) as http:
        assert http.get("/v1/jobs", params={"limit": 1}).status_code == 200
        lacks = http.get("/v1/account")
        assert (lacks.status_code, lacks.json()["type"]) == (403, "urn:fermata:problem:insufficient_scope")
    with stack.http(old["api_key"]) as http:
        # API Gateway remembers a key for up to an hour, as the operator set it.
        stack.until(lambda: http.get("/v1/jobs").status_code in (401, 403), "the end of a rotated key")
    with stack.http() as http:
        assert http.delete(f"/v1/keys/{new['id']}").status_code == 204
        found = {key["id"]: key for key in http.get("/v1/keys", params={"limit": 100}).json()["data"]}
    assert "api_key" not in found[new["id"]]
    with stack.http(new["api_key"]) as http:
        stack.until(lambda: http.get("/v1/jobs").status_code in (401, 403), "the end of a revoked key")
