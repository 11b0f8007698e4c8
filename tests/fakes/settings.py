"""The settings that functions run with in tests, by the names of their variables."""

from typing import Final

PROVIDERS: Final = ("minimax", "skillboss", "apiinone", "aimlapi")
TRUSTED_ORIGINS: Final = frozenset({"http://127.0.0.1:9000"})
"""The origins on this machine that the world's functions may call."""

TURN_SETTINGS: Final = {
    **{f"{provider.upper()}_RPM": "120" for provider in PROVIDERS},
    **{f"{provider.upper()}_CONCURRENCY": "20" for provider in PROVIDERS},
    **{f"{provider.upper()}_DAILY_BUDGET_USD": "0" for provider in PROVIDERS},
    "CIRCUIT_FAILURES": "5",
    "CIRCUIT_WINDOW_SECONDS": "60",
    "CIRCUIT_OPEN_SECONDS": "30",
    "CIRCUIT_LONGEST_OPEN_SECONDS": "600",
}
"""The variables that say how often each provider may be called, and how much it may cost."""

SETTINGS: Final = {
    "TABLE_NAME": "jobs",
    "AUDIO_BUCKET": "audio",
    "INBOX_BUCKET": "inbox",
    "BATCH_MACHINE_ARN": "arn:aws:states:eu-west-1:123456789012:stateMachine:batches",
    "BATCH_CONCURRENCY": "20",
    "BATCH_TOLERATED_FAILURE_PERCENT": "10",
    "MUSIC_JOB_MACHINE_ARN": "arn:aws:states:eu-west-1:123456789012:stateMachine:jobs",
    "WEBHOOK_DELIVERY_MACHINE_ARN": "arn:aws:states:eu-west-1:123456789012:stateMachine:webhooks",
    "WEBHOOK_TIMEOUT_SECONDS": "15",
    "MODEL_LATENCY_PRIORS": "{}",
    "DEFAULT_FALLBACKS": "{}",
    "START_BY_SECONDS": "3600",
    "LONGEST_FINISH_BY_SECONDS": "86400",
    "REAPER_FIRST_CHECK_SECONDS": "60",
    "REAPER_IDLE_SECONDS": "1200",
    "REAPER_ABSENT_GAP_SECONDS": "300",
    "LINK_TTL_SECONDS": "900",
    "WAITING_ENVIRONMENTS": "10",
    "PROVIDER_KEYS_SECRET_ARN": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:keys",
    "PROVIDER_KEY_MAX_AGE_SECONDS": "300",
    "MINIMAX_BASE_URL": "https://api.minimax.io",
    "SKILLBOSS_BASE_URL": "https://api.skillboss.co",
    "APIINONE_BASE_URL": "https://apiin.one",
    "AIMLAPI_BASE_URL": "https://api.aimlapi.com",
    "TRUSTED_LOCAL_ORIGINS": "",
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
    **TURN_SETTINGS,
    "GENERATION_TIMEOUT_SECONDS": "3600",
    "RESULT_LIFE_SECONDS": "86400",
    "RESCUE_LONGEST_PAUSE_SECONDS": "1800",
    "RESCUE_CONCURRENCY": "2",
    "RESCUE_MACHINE_ARN": "arn:aws:states:eu-west-1:1:stateMachine:rescue",
    "PATIENCE_SECONDS": "3600",
    "PATIENCE_LONGEST_PAUSE_SECONDS": "300",
    "TRACK_RETENTION_DAYS": "365",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
}
"""Every variable of every function, and those that Lambda sets."""


def pace(gap_ms: int, concurrent: int) -> dict[str, str]:
    """The settings with which each provider takes a call every so many milliseconds, a divisor of a minute, and so many
    at once.
    """
    starts = {f"{provider.upper()}_RPM": str(60_000 // gap_ms) for provider in PROVIDERS}
    return starts | {f"{provider.upper()}_CONCURRENCY": str(concurrent) for provider in PROVIDERS}


WORLD_SETTINGS: Final = {
    **{name: value for name, value in SETTINGS.items() if not name.startswith("AWS_")},
    **pace(gap_ms=1, concurrent=50),
    "TRUSTED_LOCAL_ORIGINS": ",".join(TRUSTED_ORIGINS),
}
"""What a world begins with: providers that take nearly every call at once."""
