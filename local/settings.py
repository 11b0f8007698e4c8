"""Settings of a cloud, checked before anything starts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from local.deploy.deployment import MAX_ENVIRONMENTS
from local.deploy.transform import read_template
from local.errors import UsageError

PROJECT_ROOT: Final = Path(__file__).resolve().parents[1]
DEFAULT_PORT: Final = 3000
MOST_CREDITS: Final = 1_000_000_000
MOST_ENVIRONMENTS: Final = 1000
_BASE_URL: Final = "BaseUrl"
_TRUSTED_ORIGINS: Final = "TrustedLocalOrigins"


@dataclass(frozen=True)
class CloudSettings:
    """The arguments of `python -m local up`; `provider_latency_s` is nominal, before `time_scale`."""

    port: int = DEFAULT_PORT
    parameters: Mapping[str, str] = field(default_factory=dict)
    providers: Mapping[str, str] = field(default_factory=dict)
    provider_keys: Mapping[str, str] = field(default_factory=dict)
    real: tuple[str, ...] = ()
    time_scale: float = 1.0
    provider_latency_s: float = 2.0
    credits: int = 100_000
    environments: int = MAX_ENVIRONMENTS
    state_dir: Path | None = None
    built: bool = False
    template: Path = PROJECT_ROOT / "template.yaml"

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
    known = provider_parameters(settings.template)
    problems = [
        *_unknown_providers(settings, known),
        *_foreign_addresses(settings, known),
        *_wrong_numbers(settings),
        *_missing_tools(settings),
    ]
    if problems:
        raise UsageError("\n".join(problems))


def provider_parameters(template: Path) -> dict[str, str]:
    """Return the template parameter of each provider's base URL by provider id (`minimax`: `MinimaxBaseUrl`)."""
    names = _declared(template)
    return {name.removesuffix(_BASE_URL).lower(): name for name in names if name.endswith(_BASE_URL)}


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
    """Return the template parameters: the given ones, the providers' base URLs and the trusted origins.

    The only trusted origins are those of the simulators, of loopback URLs on the command line, and the given ones.
    """
    known = provider_parameters(settings.template)
    local = {**simulators, **{name: url for name, url in settings.providers.items() if is_loopback(url)}}
    addresses = {known[name]: url for name, url in {**simulators, **settings.providers}.items()}
    origins = [origin(url) for url in local.values()]
    asked = settings.parameters.get(_TRUSTED_ORIGINS, "")
    trusted = ",".join([*origins, asked] if asked else origins)
    own = {_TRUSTED_ORIGINS: trusted} if _TRUSTED_ORIGINS in _declared(settings.template) else {}
    return {**settings.parameters, **addresses, **own}


@cache
def _declared(template: Path) -> tuple[str, ...]:
    return tuple(read_template(template).get("Parameters", {}))


def _unknown_providers(settings: CloudSettings, known: Mapping[str, str]) -> list[str]:
    named = {*settings.providers, *settings.provider_keys, *settings.real}
    ids = ", ".join(sorted(known)) or "none"
    return [f"unknown provider {name!r}: the template knows {ids}" for name in sorted(named - set(known))]


def _foreign_addresses(settings: CloudSettings, known: Mapping[str, str]) -> list[str]:
    by_parameter = {
        name: settings.parameters[parameter] for name, parameter in known.items() if parameter in settings.parameters
    }
    problems = [
        f"--param {known[name]}: expected --provider {name}=URL, which also starts no simulator for it"
        for name in sorted(by_parameter)
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
    if not 0 <= settings.credits <= MOST_CREDITS:
        problems.append(f"--credits: expected 0 to {MOST_CREDITS}, found {settings.credits}")
    if not 1 <= settings.environments <= MOST_ENVIRONMENTS:
        problems.append(f"--environments: expected 1 to {MOST_ENVIRONMENTS}, found {settings.environments}")
    if not 0 <= settings.port <= 65535:
        problems.append(f"--port: expected 0 to 65535, found {settings.port}")
    return problems


def _missing_tools(settings: CloudSettings) -> list[str]:
    if not settings.interpreter.exists():
        command = "make build" if settings.built else "make setup"
        return [f"not set up: {settings.interpreter.relative_to(PROJECT_ROOT)} is missing; run {command}"]
    if settings.built_dir and not (settings.built_dir / "template.yaml").exists():
        return [f"not built: {settings.built_dir.relative_to(PROJECT_ROOT)} is missing; run make build"]
    return []
