"""Example bodies of the document; a test holds each against the schema beside which it stands."""

from typing import Any, Final

from fermata.domain.tenants.plan_limits import DEFAULT_LIMITS

_ID: Final = "job_01M7YH6Z0CE2E33SRX04YDPZZK"
_ADDRESS: Final = f"https://api.example.com/v1/jobs/{_ID}"
_REFERENCE_ID: Final = "ref_01M7YH6Z0CE2E33SRX04YDPZZK"

Example = dict[str, Any]

SONG_REQUESTS: Final[tuple[tuple[str, Example], ...]] = (
    (
        "song",
        {
            "model": "minimax/music-2.5",
            "fallbacks": ["skillboss/music-2.5"],
            "prompt": "indie folk, rainy evening",
            "lyrics": "[Verse]\nRain on the window\n[Chorus]\nStay a while",
            "audio": {"format": "mp3", "sample_rate": 44100, "bitrate": 256000},
            "title": "Rain",
            "metadata": {"order": "42"},
        },
    ),
    (
        "speech",
        {
            "model": "minimax/speech-2.8-hd",
            "text": "Good morning. The concert begins at eight.",
            "voice": "English_Graceful_Lady",
            "speed": 1.1,
            "subtitles": True,
        },
    ),
    ("prompt_alone", {"model": "aimlapi/stable-audio", "prompt": "slow piano in an empty hall"}),
    (
        "cheapest",
        {
            "model": "auto",
            "max_credits": 50,
            "prompt": "indie folk, rainy evening",
            "lyrics": "[Verse]\nRain on the window\n[Chorus]\nStay a while",
        },
    ),
)

QUEUED_JOB: Final[Example] = {
    "id": _ID,
    "object": "job",
    "status": "queued",
    "kind": "song",
    "model": "minimax/music-2.5",
    "fallbacks": ["skillboss/music-2.5"],
    "delivered_model": None,
    "title": "Rain",
    "metadata": {"order": "42"},
    "created_at": "2026-11-21T07:47:55.020Z",
    "updated_at": "2026-11-21T07:47:55.020Z",
    "finished_at": None,
    "finish_by": None,
    "charged": "held",
    "price_credits": 30,
    "spent_credits": 0,
    "units": 1,
    "unit": "song",
    "estimate": {"p50_s": 70, "p80_s": 120, "ready_at": "2026-11-21T07:49:05.020Z"},
    "recovered_from": None,
    "api_key_id": "mfzwizlt",
    "attempt_count": 0,
    "tracks": [],
    "missing_tracks": [],
    "error": None,
    "reference": None,
    "urls": {"self": _ADDRESS, "cancel": f"{_ADDRESS}/cancel", "audio": f"{_ADDRESS}/audio", "live": None},
}

SUCCEEDED_JOB: Final[Example] = {
    **QUEUED_JOB,
    "status": "succeeded",
    "updated_at": "2026-11-21T07:49:01.120Z",
    "finished_at": "2026-11-21T07:49:01.120Z",
    "delivered_model": "minimax/music-2.5",
    "charged": "yes",
    "spent_credits": 30,
    "estimate": None,
    "attempt_count": 1,
    "tracks": [
        {
            "number": 1,
            "url": "https://audio.example.com/tracks/1.mp3?X-Amz-Signature=...",
            "url_expires_at": "2026-11-21T08:04:05.572Z",
            "expires_at": "2027-11-21T07:49:01.015Z",
            "content_type": "audio/mpeg",
            "bytes": 193097,
            "sha256": "b7349222802c72b30e28e994b31038c052cae4d26628147f08ef4c4de9f6582e",
            "source_sha256": "0c9a3f5b1e7d42c6a8f04be1937d5c2286ea4b7f31d09c5a6e8b27f4d1c3a590",
            "marks": ["tags"],
            "duration_ms": 6034,
            "sample_rate_hz": 44100,
            "channels": 2,
            "bitrate_bps": 256000,
            "subtitles_url": None,
            "subtitles_vtt_url": None,
        }
    ],
    "urls": {"self": _ADDRESS, "cancel": None, "audio": f"{_ADDRESS}/audio", "live": None},
}

CANCELED_JOB: Final[Example] = {
    **QUEUED_JOB,
    "status": "canceled",
    "finished_at": "2026-11-21T07:47:59.800Z",
    "charged": "refunded",
    "estimate": None,
    "urls": {"self": _ADDRESS, "cancel": None, "audio": f"{_ADDRESS}/audio", "live": None},
}

JOB_LIST: Final[Example] = {"data": [QUEUED_JOB], "next_cursor": None}

ATTEMPT_LIST: Final[Example] = {
    "data": [
        {
            "number": 1,
            "provider": "minimax",
            "model": "music-2.5",
            "key_alias": "default",
            "started_at": "2026-11-21T07:47:56.101Z",
            "finished_at": "2026-11-21T07:49:00.402Z",
            "provider_charged": "yes",
            "error_class": None,
            "raw_code": None,
            "upstream_id": None,
            "provider_units": None,
            "trace_id": "04ede0ab069fb1ba8be5156a24b1e081",
        }
    ],
    "next_cursor": None,
}

TIMELINE: Final[Example] = {
    "data": [
        {
            "at": "2026-11-21T07:47:56.101Z",
            "what": "ordered",
            "detail": "Attempt 1: minimax/music-2.5 was ordered from minimax.",
        }
    ],
    "next_cursor": None,
}

WEBHOOK_EVENT: Final[Example] = {
    "type": "job.succeeded",
    "timestamp": "2026-11-21T07:49:01.120Z",
    "data": {
        "event_id": f"{_ID}.succeeded",
        "job_id": _ID,
        "status": "succeeded",
        "kind": "song",
        "model": "minimax/music-2.5",
        "charged": "yes",
        "price_credits": 30,
        "spent_credits": 30,
        "error_class": None,
        "finished_at": "2026-11-21T07:49:01.120Z",
    },
}

WEBHOOK_LIST: Final[Example] = {
    "data": [
        {
            "replay": 0,
            "number": 1,
            "at": "2026-11-21T07:49:01.830Z",
            "origin": "https://hooks.example.com",
            "outcome": "failed",
            "status_code": 503,
            "error": None,
            "next_try_at": "2026-11-21T07:49:06.830Z",
        },
        {
            "replay": 0,
            "number": 2,
            "at": "2026-11-21T07:49:07.011Z",
            "origin": "https://hooks.example.com",
            "outcome": "delivered",
            "status_code": 204,
            "error": None,
            "next_try_at": None,
        },
    ],
    "next_cursor": None,
}

WEBHOOK_REPLAY: Final[Example] = {
    "object": "webhook_replay",
    "webhook_id": f"{_ID}_succeeded",
    "replay": 1,
    "origin": "https://hooks.example.com",
}

QUOTE: Final[Example] = {
    "object": "quote",
    "kind": "song",
    "model": "minimax/music-2.5",
    "fallbacks": ["skillboss/music-2.5"],
    "units": 1,
    "unit": "song",
    "unit_credits": 30,
    "discount_percent": 0,
    "price_credits": 30,
    "hold_credits": 30,
    "estimate": {"p50_s": 70, "p80_s": 120, "ready_at": "2026-11-21T07:49:05.020Z"},
    "candidates": None,
}

MODEL_LIST: Final[Example] = {
    "data": [
        {
            "id": "minimax/music-2.5",
            "kind": "song",
            "provider": "minimax",
            "available": True,
            "price_credits": 30,
            "unit": "song",
            "unit_credits": 30,
            "songs": 1,
            "inputs": ["prompt", "lyrics", "auto_lyrics"],
            "outputs": ["audio/mpeg", "audio/wav"],
            "live": True,
            "callbacks": False,
            "voices": None,
            "hints": ["Section tags stand in lyrics on lines of their own, in any case: [Verse], [Chorus]."],
            "example": {
                "model": "minimax/music-2.5",
                "prompt": "warm indie folk, acoustic guitar, rainy evening",
                "lyrics": "[Verse]\nRain on the window\n[Chorus]\nStay a while",
            },
            "limits": {
                "prompt": {"min": 1, "max": 2000, "required": False},
                "prompt_beside_lyrics": None,
                "lyrics": {"min": 1, "max": 3500, "required": True},
                "title": None,
                "instrumental": False,
                "auto_lyrics": True,
                "formats": ["mp3", "wav"],
                "sample_rates": [16000, 24000, 32000, 44100],
                "bitrates": [32000, 64000, 128000, 256000],
                "reference": None,
                "duration": None,
                "speech": None,
            },
            "estimate": {"p50_s": 70, "p80_s": 120},
        }
    ],
    "next_cursor": None,
}

REFERENCE: Final[Example] = {
    "id": _REFERENCE_ID,
    "object": "reference",
    "upload": {
        "method": "POST",
        "url": "https://audio.example.com/",
        "fields": {"key": f"references/acme/{_REFERENCE_ID}", "Content-Type": "audio/wav"},
        "expires_at": "2026-11-21T08:47:55.020Z",
    },
    "expires_at": "2026-12-20T07:47:55.020Z",
}

LEDGER_LIST: Final[Example] = {
    "data": [
        {
            "at": "2026-11-21T07:47:55.020Z",
            "kind": "hold",
            "credits": 30,
            "balance_credits": 970,
            "job_id": _ID,
            "key_id": "mfzwizlt",
            "note": None,
        }
    ],
    "next_cursor": None,
}

USAGE_LIST: Final[Example] = {
    "data": [
        {
            "day": "2026-11-21",
            "model": "minimax/music-2.5",
            "jobs": 3,
            "succeeded": 2,
            "credits": 60,
            "unit": "song",
            "units": 2,
            "audio_ms": 121_068,
        }
    ],
    "next_cursor": None,
}

USAGE_LOG: Final[Example] = {
    "data": [
        {
            "finished_at": "2026-11-21T07:49:12.744Z",
            "job_id": _ID,
            "key_id": "mfzwizlt",
            "model": "minimax/music-2.5",
            "status": "succeeded",
            "credits": 30,
            "units": 1,
            "unit": "song",
            "audio_ms": 60_534,
            "created_at": "2026-11-21T07:47:55.020Z",
            "metadata": {"project": "spring"},
        }
    ],
    "next_cursor": None,
}

ACCOUNT: Final[Example] = {
    "object": "account",
    "tenant_id": "acme",
    "plan": "prepaid",
    "cap_credits": None,
    "balance_credits": 970,
    "held_credits": 30,
    "spent_credits": 0,
    "granted_credits": 1000,
    "month": "2026-11",
    "spent_this_month_credits": 0,
    "available_credits": 970,
    "in_flight_jobs": 1,
    "lost_songs_today": 0,
    "unpaid_jobs_today": 0,
    "limits": DEFAULT_LIMITS.model_dump(),
}

VOICE_LIST: Final[Example] = {
    "data": [
        {
            "id": "English_Graceful_Lady",
            "name": "Graceful Lady",
            "language": "en",
            "gender": "female",
            "preview_url": None,
        }
    ],
    "next_cursor": None,
}
