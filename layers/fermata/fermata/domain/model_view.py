"""The catalogue as callers see it: what may be asked of each model, and what it costs them."""

from collections.abc import Callable, Mapping

from pydantic import JsonValue

from fermata.domain.catalogue import Catalogue, Estimate, Model, ReferenceRule, TextRule


def models_view(
    catalogue: Catalogue, learned: Mapping[str, Estimate], is_available: Callable[[Model], bool]
) -> dict[str, JsonValue]:
    """Every model on offer, in the catalogue's order. An id that ends in `*` stands for a family. `learned` replaces
    the catalogue's estimates as far as it goes; `is_available` tells whether a model can be ordered at the moment.
    """
    return {
        "data": [
            _model_view(model, learned.get(model.id, model.estimate), available=is_available(model))
            for model in catalogue.models
        ],
        "next_cursor": None,
    }


def _model_view(model: Model, estimate: Estimate, *, available: bool) -> JsonValue:
    return {
        "id": model.id,
        "provider": model.provider,
        "available": available,
        "price_credits": model.price_credits,
        "limits": _limits_view(model),
        "estimate": _estimate_view(estimate),
    }


def _limits_view(model: Model) -> JsonValue:
    return {
        "prompt": _text_view(model.prompt),
        "prompt_beside_lyrics": _text_view(model.prompt_beside_lyrics),
        "lyrics": _text_view(model.lyrics),
        "title": _text_view(model.title),
        "instrumental": model.instrumental,
        "auto_lyrics": model.auto_lyrics,
        "formats": list(model.formats),
        "sample_rates": list(model.sample_rates),
        "bitrates": list(model.bitrates),
        "reference": _reference_view(model.reference),
    }


def _text_view(rule: TextRule | None) -> JsonValue:
    """The rule of a text; null where the model is not sent it, or has no rule of its own for it."""
    return rule.model_dump() if rule is not None and rule.is_taken else None


def _reference_view(rule: ReferenceRule | None) -> JsonValue:
    if rule is None:
        return None
    return {
        "required": rule.required,
        "longer_than_s": rule.longer_than_s,
        "max_s": rule.max_s,
        "max_bytes": rule.max_bytes,
        "formats": list(rule.formats),
        "purposes": list(rule.purposes),
    }


def _estimate_view(estimate: Estimate) -> JsonValue:
    return {"p50_s": estimate.p50_s, "p80_s": estimate.p80_s}
