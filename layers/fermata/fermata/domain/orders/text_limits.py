"""One field of a request, checked against a model's rule: the length of a text, and a choice among values."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from fermata.domain.catalogue.text_rule import TextRule
from fermata.domain.web.visible_text import is_blank
from fermata.errors import FieldError

Value = TypeVar("Value", int, str)


def wrong_text(pointer: str, text: str, rule: TextRule, required: bool, model_id: str) -> Iterator[FieldError]:
    """The error of a text that the model does not take. `required` is whether this request needs the text."""
    if not rule.is_taken:
        if text:
            yield FieldError(pointer, f"must be left out: {model_id} takes no {pointer.removeprefix('/')}")
        return
    if not text and not required:
        return
    if text and is_blank(text):
        instead = "" if required else ", or be left out"
        yield FieldError(pointer, f"must have a character that can be seen{instead}; white space alone is no text")
        return
    low = max(rule.min, 1) if required else rule.min
    if not low <= len(text) <= rule.max:
        need = "is required and " if required and not text else ""
        yield FieldError(pointer, f"{need}must have {low} to {rule.max} characters, got {len(text)}")


def wrong_choice(pointer: str, chosen: Value | None, allowed: Sequence[Value], without: str) -> Iterator[FieldError]:
    """The error of a value that is not allowed; `without` says why nothing is, where the list is empty."""
    if chosen is not None and chosen not in allowed:
        yield FieldError(pointer, f"must be one of {', '.join(map(str, allowed))}" if allowed else without)
