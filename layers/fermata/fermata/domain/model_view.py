"""The catalogue as callers see it: what may be asked of each model, and what it costs them."""

from pydantic import JsonValue

from fermata.domain.catalogue import Catalogue, Estimate, Model


def models_view(catalogue: Catalogue) -> dict[str, JsonValue]:
    """Every model on offer, in the catalogue's order. An id that ends in `*` stands for a family."""
    offered = [model for model in catalogue.models if model.unsupported is None]
    return {"data": [_model_view(model) for model in offered], "next_cursor": None}


def _model_view(model: Model) -> JsonValue:
    return {
        "id": model.id,
        "provider": model.provider,
        "available": True,
        "price_credits": model.price_credits,
        "limits": _limits_view(model),
        "estimate": _estimate_view(model.estimate),
    }


def _limits_view(model: Model) -> JsonValue:
    return {
        "prompt": model.prompt.model_dump(),
        "lyrics": model.lyrics.model_dump(),
        "instrumental": model.instrumental,
        "auto_lyrics": model.auto_lyrics,
        "formats": list(model.formats),
        "sample_rates": list(model.sample_rates),
        "bitrates": list(model.bitrates),
    }


def _estimate_view(estimate: Estimate) -> JsonValue:
    return {"p50_s": estimate.p50_s, "p80_s": estimate.p80_s}
