"""MiniMax's answers: codes inside HTTP 200, and audio as hex. AIML API and SkillBoss pass the same bodies on."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from uuid import uuid4

from local.simulators.faults import FaultKind
from local.simulators.http.exchange import Answer, json_answer
from local.simulators.providers.links import NOT_AUDIO

SUCCESS: Final = {"status_code": 0, "status_msg": "success"}
MESSAGES: Final[Mapping[int, str]] = {
    1000: "unknown error",
    1001: "request timeout",
    1002: "rate limit exceeded(RPM)",
    1004: "login fail: Please carry the API secret key in the 'Authorization' field of the request header",
    1008: "insufficient balance",
    1013: "internal service error",
    1024: "internal error",
    1026: "input new_sensitive",
    1027: "output new_sensitive",
    1033: "downstream service error",
    1039: "rate limit exceeded(TPM)",
    1041: "too many connections",
    1042: "invisible character ratio exceeds limit",
    2013: "invalid params",
    2042: "you don't have access to this voice_id",
    2044: "not authorized to access this API",
    2045: "rate growth limit exceeded",
    2056: "usage limit exceeded",
    2061: "your current token plan not support model",
    20132: "invalid samples or voice_id",
    2153: "the music API is closed to new accounts",
}
CLOSED_ACCOUNT: Final = 2153
CODES_AFTER_WORK: Final = frozenset({1001, 1027})
"""Known only after the song is made, so its cost is charged."""


def coded_answer(code: int, status: int | None = None, *, detail: str = "", after_s: float = 0.0) -> Answer:
    """A failure as MiniMax reports it; `after_s` applies only to codes that follow the work."""
    http = status or (410 if code == CLOSED_ACCOUNT else 200)
    body = {
        "data": None,
        "base_resp": {"status_code": code, "status_msg": MESSAGES.get(code, f"error {code}") + detail},
    }
    after_work = code in CODES_AFTER_WORK
    return traced_answer(body, http, after_s=after_s if after_work else 0.0, charged=after_work)


def invalid_params(reason: str) -> Answer:
    """The refusal of a request, with the reason after MiniMax's own words."""
    return coded_answer(2013, detail=f", {reason}")


def traced_answer(
    body: Mapping[str, object], status: int = 200, *, after_s: float = 0.0, charged: bool = False
) -> Answer:
    """An answer with the trace id that MiniMax's clients print: in the body and, for all answers, in `Trace-Id`."""
    trace_id = uuid4().hex
    documented_order = {"data": body["data"]} if "data" in body else {}
    told = json_answer(status, {**documented_order, "trace_id": trace_id, **body}, after_s=after_s, charged=charged)
    return replace(told, headers={"Trace-Id": trace_id})


def spell_hex(content: bytes, kind: FaultKind | None) -> str:
    """Audio as the hex text of a MiniMax body, changed by a fault if there is one."""
    text = content.hex()
    half = len(text) // 4 * 2
    if kind is FaultKind.STATUS1:
        return text[:half]
    if kind is FaultKind.ODD_HEX:
        return text[:-1]
    if kind is FaultKind.UPPER_HEX:
        return text.upper()
    if kind is FaultKind.NOT_HEX:
        # Two letters that are no hex digits keep the length even.
        return f"{text[:half]}zz{text[half + 2 :]}"
    return NOT_AUDIO.hex() if kind is FaultKind.NOT_AUDIO else text
