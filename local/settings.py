"""Settings of a cloud, checked before anything starts."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from ipaddress import ip_address
from math import ceil
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from fermata.domain.catalogue.models import read_catalogue
from local.deploy.deployment import MAX_ENVIRONMENTS
from local.deploy.layer_packages import C2PA_ENVIRONMENT, MEDIA_ENVIRONMENT
from local.deploy.transform import read_template
from local.errors import UsageError

PROJECT_ROOT: Final = Path(__file__).resolve().parents[1]
DEFAULT_PORT: Final = 3000
MOST_CREDITS: Final = 1_000_000_000
MOST_ENVIRONMENTS: Final = 1000
_PROVIDER_SETTINGS: Final = "ProviderSettings"
_BASE_URL: Final = "base_url"
_SINGLE: Final = "BaseUrl"
_TRUSTED_ORIGINS: Final = "TrustedLocalOrigins"
_WEBHOOK_ORIGINS: Final = "TrustedWebhookOrigins"
_LOOPBACK: Final = "http://127.0.0.1:*,http://localhost:*,http://[::1]:*"
_LATENCY_PRIORS: Final = "ModelLatencyPriors"


@dataclass(frozen=True)
class CloudSettings:
    """The arguments of `python -m local up`; `provider_latency_s` is nominal, before `time_scale`."""

    port: int = DEFAULT_PORT
    keep_port: bool = False
    """Whether the port of a kept state goes before `port`."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    providers: Mapping[str, str] = field(default_factory=dict)
    provider_keys: Mapping[str, str] = field(default_factory=dict)
    real: tuple[str, ...] = ()
    time_scale: float = 1.0
    provider_latency_s: float = 2.0
    credits: int | None = None
    """Credits of the demo tenant; None for the default, or for what a kept state has."""
    environments: int = MAX_ENVIRONMENTS
    state_dir: Path | None = None
    fresh: bool = False
    in_memory: bool = False
    built: bool = False
    strict: bool = False
    """Whether webhooks to this machine are refused as on AWS."""
    reload: bool = False
    """Whether a saved source of a function or layer is live at the next call."""
    template: Path = PROJECT_ROOT / "template.yaml"

    @property
    def keeps_state(self) -> bool:
        """Whether the cloud's state outlives it: not in memory, and not on a free port without a directory."""
        return not self.in_memory and (self.state_dir is not None or self.port != 0)

    @property
    def interpreter(self) -> Path:
        """The Python that runs the functions; it has only their dependencies, boto3 and Lambda's runtime client."""
        return PROJECT_ROOT / ".tools" / ("python313" if self.built else "functions") / "bin" / "python"

    @property
    def built_dir(self) -> Path | None:
        """The result of `make build` with `built`, else None."""
        return PROJECT_ROOT / ".aws-sam" / "x86_64" / "built" if self.built else None


def check_settings(settings: CloudSettings) -> None:
    """Raise `UsageError` with one line per invalid argument."""
    known = known_providers(settings.template)
    problems = [
        *_unknown_providers(settings, known),
        *_foreign_addresses(settings),
        *_wrong_numbers(settings),
        *_missing_tools(settings),
    ]
    if problems:
        raise UsageError("\n".join(problems))


def known_providers(template: Path) -> tuple[str, ...]:
    """Return the ids of the catalogue's providers; none for a template that sets nothing of providers."""
    return tuple(read_catalogue().providers) if _PROVIDER_SETTINGS in _declared(template) else ()


def is_loopback(url: str) -> bool:
    """Return whether a URL's host is a loopback address or `localhost`."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def origin(url: str) -> str:
    """Return `scheme://host:port` of a URL, with an explicit port."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}:{port}"


def template_parameters(settings: CloudSettings, simulators: Mapping[str, str]) -> dict[str, str]:
    """Return the template parameters: the given ones, the providers' base URLs, the trusted origins, and the latency of
    simulated models, without which a poll would wait as long as for a real song.

    The only trusted origins are those of the simulators, of loopback URLs on the command line, and the given ones. For
    tenants' webhooks every port of this machine is trusted, too, unless `strict`.
    """
    declared = _declared(settings.template)
    local = {**simulators, **{name: url for name, url in settings.providers.items() if is_loopback(url)}}
    origins = [origin(url) for url in local.values()]
    asked = settings.parameters.get(_TRUSTED_ORIGINS, "")
    trusted = ",".join([*origins, asked] if asked else origins)
    own = {_TRUSTED_ORIGINS: trusted} if _TRUSTED_ORIGINS in declared else {}
    if _PROVIDER_SETTINGS in declared:
        own[_PROVIDER_SETTINGS] = _with_addresses(settings, {**simulators, **settings.providers})
    if _WEBHOOK_ORIGINS in declared:
        own[_WEBHOOK_ORIGINS] = settings.parameters.get(_WEBHOOK_ORIGINS, "" if settings.strict else _LOOPBACK)
    if _LATENCY_PRIORS in declared:
        own[_LATENCY_PRIORS] = settings.parameters.get(_LATENCY_PRIORS, _simulated_latency(settings, simulators))
    return {**settings.parameters, **own}


def _simulated_latency(settings: CloudSettings, simulators: Collection[str]) -> str:
    p50_s = max(1, ceil(settings.provider_latency_s))
    models = [model.id for model in read_catalogue().models if model.provider in simulators]
    return json.dumps({name: {"p50_s": p50_s, "p80_s": p50_s + 1} for name in models}, separators=(",", ":"))


def _with_addresses(settings: CloudSettings, addresses: Mapping[str, str]) -> str:
    asked = _asked_of_providers(settings) or {}
    changed = {name: {**asked.get(name, {}), _BASE_URL: url.rstrip("/")} for name, url in addresses.items()}
    return json.dumps({**asked, **changed}, separators=(",", ":"))


def _asked_of_providers(settings: CloudSettings) -> dict[str, Any] | None:
    """Return the caller's own settings of providers, None where they are not an object of objects."""
    try:
        asked = json.loads(settings.parameters.get(_PROVIDER_SETTINGS, "{}"))
    except ValueError:
        return None
    is_of_objects = isinstance(asked, dict) and all(isinstance(each, dict) for each in asked.values())
    return asked if is_of_objects else None


@cache
def _declared(template: Path) -> tuple[str, ...]:
    return tuple(read_template(template).get("Parameters", {}))


def _unknown_providers(settings: CloudSettings, known: Collection[str]) -> list[str]:
    named = {*settings.providers, *settings.provider_keys, *settings.real}
    ids = ", ".join(sorted(known)) or "none"
    return [f"unknown provider {name!r}: the catalogue has {ids}" for name in sorted(named - set(known))]


def _foreign_addresses(settings: CloudSettings) -> list[str]:
    asked = _asked_of_providers(settings)
    if asked is None:
        return [f"--param {_PROVIDER_SETTINGS}: expected a JSON object with an object for each provider"]
    given = {name: _PROVIDER_SETTINGS for name, changes in asked.items() if _BASE_URL in changes}
    single = {name.removesuffix(_SINGLE).lower(): name for name in settings.parameters if name.endswith(_SINGLE)}
    problems = [
        f"--param {parameter}: expected --provider {name}=URL, which also starts no simulator for it"
        for name, parameter in sorted({**given, **single}.items())
        if name not in settings.real
    ]
    for name, url in sorted(settings.providers.items()):
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path not in {"", "/"} or parts.query:
            problems.append(f"--provider {name}: expected scheme://host:port, found something else")
        elif not is_loopback(url) and name not in settings.real:
            costs = f"to call it, which may cost money, add --real {name}"
            problems.append(f"--provider {name}: {parts.hostname} is not this machine; {costs}")
    return problems


def _wrong_numbers(settings: CloudSettings) -> list[str]:
    problems = []
    if not 0 < settings.time_scale < float("inf"):
        problems.append(f"--time-scale: expected a number above 0, found {settings.time_scale:g}")
    if not 0 <= settings.provider_latency_s < float("inf"):
        problems.append(f"--provider-latency: expected seconds, 0 or more, found {settings.provider_latency_s:g}")
    if settings.credits is not None and not 0 <= settings.credits <= MOST_CREDITS:
        problems.append(f"--credits: expected 0 to {MOST_CREDITS}, found {settings.credits}")
    if not 1 <= settings.environments <= MOST_ENVIRONMENTS:
        problems.append(f"--environments: expected 1 to {MOST_ENVIRONMENTS}, found {settings.environments}")
    if settings.reload and settings.built:
        problems.append("--reload: expected sources, found --built, which runs what make build made; drop one of both")
    if not 0 <= settings.port <= 65535:
        problems.append(f"--port: expected 0 to 65535, found {settings.port}")
    return problems


def _missing_tools(settings: CloudSettings) -> list[str]:
    if not settings.interpreter.exists():
        command = "make build" if settings.built else "make setup"
        return [f"not set up: {settings.interpreter.relative_to(PROJECT_ROOT)} is missing; run {command}"]
    needed = [MEDIA_ENVIRONMENT, *([C2PA_ENVIRONMENT] if settings.parameters.get("Marking") == "c2pa" else [])]
    missing = [path for path in needed if not settings.built and not path.exists()]
    if missing:
        return [f"not set up: {missing[0].relative_to(PROJECT_ROOT)} is missing; run make setup"]
    if settings.built_dir and not (settings.built_dir / "template.yaml").exists():
        return [f"not built: {settings.built_dir.relative_to(PROJECT_ROOT)} is missing; run make build"]
    return []
