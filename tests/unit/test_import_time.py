"""A cold start pays only for what a function uses: which heavy modules each loads, in a fresh interpreter that has the
settings which the template gives it.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from local.deploy.transform import read_template
from tests.fakes.settings import SETTINGS
from tests.functions import NAMES, ROOT

FAMILIES: Final = (
    *("account", "attempt", "endpoint", "job", "key", "ledger", "model", "problem", "quote", "reference", "usage"),
    *("voice", "webhook"),
)
"""The models of answers, of which a function loads those that it answers with."""


def answers(*families: str) -> set[str]:
    return {f"fermata.api.responses.{family}" for family in families}


SDK: Final = {"boto3", "s3transfer", "multiprocessing", "botocore.session", "botocore.client"}
"""What building a client needs, and what boto3 adds to it. No function builds one before its first call."""
JOB: Final = {"fermata.domain.jobs.job"}
CATALOGUE: Final = {"fermata.domain.catalogue.models"}
RECORDS: Final = {*JOB, *CATALOGUE}
"""The models that take longest to build."""

HEAVY: Final = {
    *answers(*FAMILIES),
    "httpx",
    "httpcore",
    "fermata.adapters.audio.measurement",
    "numpy",
    "soundfile",
    *SDK,
    *RECORDS,
    "fermata.adapters.providers.minimax",
    "fermata.adapters.providers.minimax_body",
    "fermata.adapters.providers.skillboss",
    "fermata.adapters.providers.apiinone",
    "fermata.adapters.providers.aimlapi",
    "fermata.adapters.providers.aimlapi_music01",
    "fermata.adapters.providers.speech.minimax_speech",
    "fermata.adapters.providers.speech.aimlapi_speech",
    "aws_lambda_powertools.event_handler",
    "aws_xray_sdk",
    "botocore.auth",
    "botocore.exceptions",
    "urllib3",
    "pytest",
    "moto",
}
# What each dialect loads besides itself: some pass MiniMax's own answers on.
DIALECTS: Final = {
    "minimax": {"minimax_body"},
    "skillboss": {"minimax_body"},
    "apiinone": set[str](),
    "aimlapi": set[str](),
    "aimlapi_music01": {"minimax_body"},
    "minimax_speech": {"minimax", "minimax_body"},
    "aimlapi_speech": {"minimax_body"},
}
HTTP: Final = {"httpx", "httpcore"}
MEASURING: Final = {"fermata.adapters.audio.measurement"}
API: Final = {"aws_lambda_powertools.event_handler", *answers("problem")}
# What each function may have loaded once it has built everything it works with.
ALLOWED: Final[dict[str, set[str]]] = {
    "authorize_request": set[str](),
    "manage_tenants": {*RECORDS, *answers("account")},
    "read_account": {*RECORDS, *API, *answers("account")},
    "list_ledger": {*RECORDS, *API, *answers("ledger")},
    "list_usage": {*RECORDS, *API, *answers("usage")},
    "manage_keys": {*RECORDS, *API, *answers("key")},
    "manage_webhook": {*RECORDS, *API, *answers("endpoint")},
    "try_webhook": {*RECORDS, *API, *HTTP, *answers("endpoint")},
    "submit_job": {*RECORDS, *API, *answers("job")},
    "ingest_request": {*RECORDS},
    "submit_line": {*RECORDS},
    "complete_batch": {*RECORDS},
    "cancel_job": {*RECORDS, *API, *answers("job")},
    "delete_job": {*RECORDS, *API},
    "read_jobs": {*RECORDS, *API, *answers("job", "attempt", "model")},
    "list_jobs": {*RECORDS, *API, *answers("job")},
    "read_timeline": {*RECORDS, *API, *answers("attempt")},
    "list_voices": {*RECORDS, *API, *HTTP, *answers("voice")},
    "read_live": {*RECORDS, *API},
    "serve_console": set[str](),
    "start_generation": {*RECORDS, *HTTP},
    "await_callback": {*RECORDS},
    "receive_callback": {*RECORDS, *API},
    "poll_generation": {*RECORDS, *HTTP},
    "store_audio": {*RECORDS, *MEASURING, *HTTP},
    "create_reference": {*CATALOGUE, *API, *answers("reference")},
    "prepare_reference": {*RECORDS, *MEASURING, *HTTP},
    "settle_job": {*RECORDS},
    "measure_tracks": {*RECORDS, "numpy", "soundfile"},
    "deliver_webhook": {*RECORDS, *HTTP},
    "replay_webhook": {*RECORDS, *API, *answers("webhook")},
    "rescue_audio": {*RECORDS, *MEASURING, *HTTP},
    "reap_jobs": {*RECORDS},
    "audit_wallets": {*RECORDS},
    "validate_settings": {*RECORDS, *HTTP},
}
PORTS: Final = {
    "authorize_request": "app.tenant_store()",
    "manage_tenants": "app.manage_ports()",
    "read_account": "app.wallet_store()",
    "list_ledger": "app.ledger_store()",
    "list_usage": "app.usage_store()",
    "manage_keys": "app.key_ports()",
    "manage_webhook": "app.endpoint_ports()",
    "try_webhook": "app.try_ports()",
    "submit_job": "app.submit_ports(); app.wait_ports()",
    "ingest_request": "app.event_ports().submit(), app.file_ports()",
    "submit_line": "app.line_ports()",
    "complete_batch": "app.inbox_store(), app.open_batches()",
    "cancel_job": "app.job_store()",
    "delete_job": "app.delete_ports()",
    "read_jobs": "app.read_ports()",
    "list_jobs": "app.list_ports()",
    "read_timeline": "app.timeline_ports()",
    "list_voices": "app.voice_ports()",
    "read_live": "app.read_live_ports()",
    "serve_console": "app.FILES.names()",
    "start_generation": "app.start_ports(lambda: 900_000)",
    "await_callback": "app.callback_ports()",
    "receive_callback": "app.callback_ports()",
    "poll_generation": "app.poll_ports()",
    "store_audio": "app.store_ports(lambda: 600_000); app.settle_ports()",
    "create_reference": "app.create_reference_ports()",
    "prepare_reference": "app.prepare_ports()",
    "settle_job": "app.settle_ports()",
    "measure_tracks": "app.measure_ports(lambda: 600_000)",
    "deliver_webhook": "app.deliver_ports()",
    "replay_webhook": "app.replay_ports()",
    "rescue_audio": "app.rescue_ports(lambda: 600_000)",
    "reap_jobs": "app.reap_ports(print)",
    "audit_wallets": "app.audit_ports(print, print)",
    "validate_settings": "app.settings_ports(), app.table_ports(), app.stack_answers()",
}


# One interpreter imports what every function uses, and then forks once for each list of statements.
SCRIPT: Final = """
import json, os, sys
import fermata.log, fermata.wiring.stores
for name, (statements, settings) in json.load(sys.stdin).items():
    if os.fork() == 0:
        for other in set(os.environ).difference(settings):
            del os.environ[other]
        exec(statements, {"sys": sys})
        print(json.dumps([name, sorted(sys.modules)]), flush=True)
        os._exit(0)
    if os.wait()[1]:
        sys.exit(f"{name} failed")
"""


def importing(name: str) -> str:
    return f"sys.path.insert(0, {str(ROOT / 'functions' / name)!r})\nimport app\n"


def loading(dialect: str) -> str:
    return f"from fermata.adapters.providers import load_provider\nload_provider({dialect!r})"


def settings_of(name: str) -> list[str]:
    by_lambda = {each for each in SETTINGS if each.startswith("AWS_")}
    return sorted(by_lambda | given_by_the_template().get(name, set(SETTINGS)))


STATEMENTS: Final = {
    **{name: importing(name) + PORTS[name] for name in PORTS},
    "resume": importing("start_generation") + "app.resume_ports()",
    **{dialect: loading(dialect) for dialect in DIALECTS},
}


def given_by_the_template() -> dict[str, set[str]]:
    """The names of the variables that each function has, by its folder."""
    template = read_template(ROOT / "template.yaml")
    for_all = template["Globals"]["Function"]["Environment"]["Variables"]
    functions = [each["Properties"] for each in template["Resources"].values() if each["Type"].endswith("::Function")]
    return {
        Path(function["CodeUri"]).name: {*for_all, *function.get("Environment", {}).get("Variables", {})}
        for function in functions
    }


@pytest.fixture(scope="module")
def loaded() -> dict[str, set[str]]:
    """The heavy modules that each list of statements leaves in a fresh interpreter."""
    finished = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT],
        input=json.dumps({name: [statements, settings_of(name)] for name, statements in STATEMENTS.items()}),
        env={**SETTINGS, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return {name: HEAVY & set(modules) for name, modules in map(json.loads, finished.stdout.splitlines())}


def test_every_family_of_answers_has_a_budget() -> None:
    modules = {path.stem for path in (ROOT / "layers/fermata/fermata/api/responses").glob("*.py")}
    assert modules == {*FAMILIES, "body", "__init__"}


def test_every_function_has_a_budget() -> None:
    assert set(NAMES) == set(ALLOWED) == set(PORTS)


@pytest.mark.parametrize("name", NAMES)
def test_a_function_loads_no_more_than_it_uses(loaded: dict[str, set[str]], name: str) -> None:
    assert loaded[name] <= ALLOWED[name]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_job_pays_for_its_own_dialect_alone(loaded: dict[str, set[str]], dialect: str) -> None:
    loads = {name.rpartition(".")[2] for name in loaded[dialect] if "providers" in name}
    assert loads == {dialect, *DIALECTS[dialect]}


def test_a_page_waits_for_no_library() -> None:
    """By itself: the script above imports the wiring for all others."""
    script = importing("serve_console") + "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys\n" + script],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert {"pydantic", "aws_lambda_powertools"}.isdisjoint(loaded.stdout.split())


def test_a_resume_loads_nothing_that_could_order_a_song(loaded: dict[str, set[str]]) -> None:
    assert loaded["resume"].isdisjoint(HTTP)


def test_the_way_to_a_provider_and_the_measuring_are_seen_where_they_are_used(loaded: dict[str, set[str]]) -> None:
    assert loaded["start_generation"] >= HTTP
    assert loaded["store_audio"] >= {*MEASURING, *HTTP}
