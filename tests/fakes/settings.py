"""The settings that functions run with in tests, by the names of their variables."""

from decimal import Decimal
from typing import Final

from fermata.domain.catalogue.operator_settings import NOTHING_SET, OperatorSettings
from fermata.domain.providers.settings import ProviderChanges

PROVIDERS: Final = ("minimax", "skillboss", "apiinone", "aimlapi")
TRUSTED_ORIGINS: Final = frozenset({"http://127.0.0.1:9000"})
"""The origins on this machine that the world's functions may call."""

CIRCUIT_SETTINGS: Final = {
    "CIRCUIT_FAILURES": "5",
    "CIRCUIT_WINDOW_SECONDS": "60",
    "CIRCUIT_OPEN_SECONDS": "30",
    "CIRCUIT_LONGEST_OPEN_SECONDS": "600",
}
"""The variables that say when a provider gets no calls because others failed."""

SETTINGS: Final = {
    "TABLE_NAME": "jobs",
    "TABLE_RESTORED_AT": "",
    "STACK_NAME": "fermata",
    "AUDIO_BUCKET": "audio",
    "AUDIO_ORIGIN": "https://audio.s3.eu-west-1.amazonaws.com",
    "OPENBLAS_NUM_THREADS": "1",
    "PYDANTIC_DISABLE_PLUGINS": "__all__",
    "INBOX_BUCKET": "inbox",
    "BATCH_MACHINE_ARN": "arn:aws:states:eu-west-1:123456789012:stateMachine:batches",
    "BATCH_CONCURRENCY": "20",
    "BATCH_TOLERATED_FAILURE_PERCENT": "10",
    "MUSIC_JOB_MACHINE_ARN": "arn:aws:states:eu-west-1:123456789012:stateMachine:jobs",
    "WEBHOOK_DELIVERY_MACHINE_ARN": "arn:aws:states:eu-west-1:123456789012:stateMachine:webhooks",
    "WEBHOOK_TIMEOUT_SECONDS": "15",
    "SETTINGS_VERSION": NOTHING_SET,
    "DEFAULT_FALLBACKS": "{}",
    "START_BY_SECONDS": "3600",
    "LONGEST_FINISH_BY_SECONDS": "86400",
    "REAPER_FIRST_CHECK_SECONDS": "60",
    "REAPER_IDLE_SECONDS": "1200",
    "REAPER_ABSENT_GAP_SECONDS": "300",
    "LINK_TTL_SECONDS": "900",
    "LIVE_SECRET_ARN": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:live",
    "LIVE_URL": "https://live.example.com",
    "LIVE_GRACE_SECONDS": "900",
    "WAITING_ENVIRONMENTS": "10",
    "PROVIDER_KEYS_SECRET_ARN": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:keys",
    "PROVIDER_KEY_MAX_AGE_SECONDS": "300",
    "TRUSTED_LOCAL_ORIGINS": "",
    "TRUSTED_WEBHOOK_ORIGINS": "",
    "AUDIO_HOSTS": "",
    "EXTRA_AUDIO_HOSTS": "",
    "CONNECT_TIMEOUT_SECONDS": "10",
    "READ_GAP_SECONDS": "600",
    "START_TIMEOUT_SECONDS": "900",
    "POST_RESERVE_SECONDS": "45",
    "CLAIM_MARGIN_SECONDS": "60",
    "RETRY_LATER_SECONDS": "10",
    "CALLBACK_TIMEOUT_SECONDS": "120",
    "API_URL_PARAMETER": "/fermata/fermata/api-url",
    "REFERENCE_LINK_SECONDS": "3600",
    **CIRCUIT_SETTINGS,
    "GENERATION_TIMEOUT_SECONDS": "3600",
    "POLL_PAUSES_SECONDS": "30",
    "RESULT_LIFE_SECONDS": "86400",
    "RESCUE_LONGEST_PAUSE_SECONDS": "1800",
    "RESCUE_CONCURRENCY": "2",
    "RESCUE_MACHINE_ARN": "arn:aws:states:eu-west-1:1:stateMachine:rescue",
    "PATIENCE_SECONDS": "3600",
    "PATIENCE_LONGEST_PAUSE_SECONDS": "300",
    "TRACK_RETENTION_DAYS": "365",
    "MARKING": "tags",
    "SIGNING_SECRET_ARN": "",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
}
"""Every variable of every function, and those that Lambda sets."""


def pace(gap_ms: int, concurrent: int) -> OperatorSettings:
    """What an operator sets for each provider to take a call every so many milliseconds, a divisor of a minute, and so
    many at once.
    """
    changes = ProviderChanges(rpm=60_000 // gap_ms, concurrency=concurrent)
    return OperatorSettings(providers=dict.fromkeys(PROVIDERS, changes))


def budget(provider: str, usd: str) -> OperatorSettings:
    """The world's settings, and a budget of a day for a provider."""
    providers = dict(AT_ONCE.providers)
    providers[provider] = providers[provider].then(ProviderChanges(daily_budget_usd=Decimal(usd)))
    return OperatorSettings(providers=providers)


AT_ONCE: Final = pace(gap_ms=1, concurrent=50)
"""What a world begins with: providers that take nearly every call at once."""

WORLD_SETTINGS: Final = {
    **{name: value for name, value in SETTINGS.items() if not name.startswith("AWS_")},
    "TRUSTED_LOCAL_ORIGINS": ",".join(TRUSTED_ORIGINS),
}
"""The variables that a world begins with."""
