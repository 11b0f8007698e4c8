"""Faults that all providers share: those of HTTP servers, networks and content delivery networks."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from local.simulators.faults import Fault, FaultKind, FaultRow, Place
from local.simulators.http.exchange import Answer, Manner

HTML_PAGE: Final = (
    b"<!DOCTYPE html><html><head><title>One moment</title></head><body><h1>Please wait</h1></body></html>"
)


def network_rows(*places: Place) -> tuple[FaultRow, ...]:
    """The rows of these faults for a dialect with `places`; the first one is the default."""
    kind = FaultKind
    http = "the provider's HTTP error table"
    lost = "a connection that breaks after the work: never repeat such a POST"
    return (
        FaultRow(kind.HTTP, places, f"{http}, before any work", "no"),
        FaultRow(kind.HTTP_CHARGED, ("create",), f"{http}: a gateway gives up while the origin goes on", "yes"),
        FaultRow(kind.HTML, places, "an HTML body from a CDN, under HTTP 200", "yes"),
        FaultRow(kind.EMPTY, places, "an answer without a body, under HTTP 200", "yes"),
        FaultRow(kind.RESET, places, f"{lost} (reset before the first byte)", "yes"),
        FaultRow(kind.CUT, places, f"{lost} (that share of the body arrives)", "yes"),
        FaultRow(kind.HANG, places, "songs that take minutes: the answer comes that much later", "yes"),
        FaultRow(kind.SLOW, places, "large bodies over thin lines", "yes"),
        FaultRow(kind.REDIRECT, (places[-1], *places[:-1]), "an address that redirects to a private host", "no"),
    )


def with_network_fault(fault: Fault, answer: Answer, error: Callable[[int], Answer]) -> Answer:
    """`answer` as `fault` changes it; `error` returns the dialect's error for an HTTP status."""
    if fault.kind is FaultKind.HTTP:
        return error(int(fault.argument))
    if fault.kind is FaultKind.HTTP_CHARGED:
        return replace(error(int(fault.argument)), after_s=answer.after_s, charged=True)
    if fault.kind is FaultKind.HTML:
        return replace(answer, status=200, content_type="text/html; charset=utf-8", body=HTML_PAGE)
    if fault.kind is FaultKind.EMPTY:
        return replace(answer, status=200, body=b"")
    if fault.kind is FaultKind.REDIRECT:
        return Answer(302, headers={"location": fault.argument})
    return replace(answer, manner=_manner(fault))


def _manner(fault: Fault) -> Manner:
    return Manner(
        hang_s=float(fault.argument) if fault.kind is FaultKind.HANG else 0.0,
        cut_percent=float(fault.argument) if fault.kind is FaultKind.CUT else None,
        bytes_per_s=int(fault.argument) if fault.kind is FaultKind.SLOW else None,
        reset=fault.kind is FaultKind.RESET,
    )
