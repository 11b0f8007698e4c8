"""The console on the laptop: the address leads to it, and its page may play what the bucket has."""

import httpx

from tests.integration.cloud_process import PATIENCE_S
from tests.integration.song import TLS, Cloud


def test_the_printed_address_is_a_page_and_the_machines_own_address_leads_there(cloud: Cloud) -> None:
    assert cloud.line["console_url"] == f"{cloud.line['api_url']}/console" == cloud.line["outputs"]["ConsoleUrl"]
    with httpx.Client(base_url=cloud.line["api_url"], timeout=PATIENCE_S, verify=TLS) as browser:
        opened = browser.get("/", follow_redirects=True)
        assert (opened.status_code, str(opened.url)) == (200, cloud.line["console_url"])
        assert opened.headers["content-type"] == "text/html; charset=utf-8"
        assert opened.text.lower().startswith("<!doctype html>")
        again = browser.get("/console", headers={"If-None-Match": opened.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        head = browser.head("/console")
        assert (head.status_code, head.content) == (200, b"")
        assert browser.get("/console/").text == opened.text
        assert browser.head("/console/").status_code == 200
        strange = ("static/app-00000000.js", "..%2f..%2ftemplate.yaml", "%2e%2e/app.py", "jobs", "jobs/", "/", "index")
        for path in strange:
            missing = browser.get(f"/console/{path}")
            assert (missing.status_code, "Open /console again" in missing.json()["detail"]) == (404, True), path


def test_the_page_may_play_from_this_machines_bucket_and_the_bucket_lets_any_page_read_ranges(cloud: Cloud) -> None:
    with httpx.Client(timeout=PATIENCE_S, verify=TLS) as browser:
        policy = browser.get(cloud.line["console_url"]).headers["content-security-policy"]
        rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
        assert set(rules["connect-src"].split()) == {"'self'", cloud.line["aws_endpoint_url"], cloud.line["api_url"]}
        s3, bucket = cloud.aws("s3"), cloud.line["outputs"]["AudioBucketName"]
        s3.put_object(Bucket=bucket, Key="tracks/console/song.mp3", Body=b"0123456789")
        link = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "tracks/console/song.mp3"})
        part = browser.get(link, headers={"Origin": "https://elsewhere.example", "Range": "bytes=2-4"})
    assert (part.status_code, part.content, part.headers["content-range"]) == (206, b"234", "bytes 2-4/10")
    assert part.headers["access-control-allow-origin"] == "*"
    exposed = {name.strip().lower() for name in part.headers["access-control-expose-headers"].split(",")}
    assert {"accept-ranges", "content-length", "content-range", "etag"} <= exposed
