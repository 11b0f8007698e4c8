"""The console's function: its page without a path, its files by path."""

import base64

import pytest

from fermata.errors import ConfigurationError
from tests.fakes.settings import SETTINGS
from tests.functions import FakeContext, http_event, load_app


def test_the_page_and_its_files_are_served_with_the_origins_of_the_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AUDIO_ORIGIN", "LIVE_URL"):
        monkeypatch.setenv(name, SETTINGS[name])
    app = load_app("serve_console")
    page = app.lambda_handler(http_event("GET", "/console"), FakeContext())
    assert page["statusCode"] == 200
    assert base64.b64decode(page["body"]).lower().startswith(b"<!doctype html>")
    assert SETTINGS["AUDIO_ORIGIN"] in page["headers"]["Content-Security-Policy"]
    for variables in ({"path": ""}, None):
        slash = {**http_event("GET", "/console/"), "pathParameters": variables}
        assert app.lambda_handler(slash, FakeContext()) == page
    missing = http_event("GET", "/console/static/app-00000000.js")
    missing["pathParameters"] = {"path": "static/app-00000000.js"}
    assert app.lambda_handler(missing, FakeContext())["statusCode"] == 404


def test_a_stack_that_names_no_origin_of_its_audio_serves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AUDIO_ORIGIN", raising=False)
    with pytest.raises(ConfigurationError, match="AUDIO_ORIGIN is not set"):
        load_app("serve_console").lambda_handler(http_event("GET", "/console"), FakeContext())
