"""Orders that name a provider's ids of a recording instead of the recording."""

from collections.abc import Iterable, Mapping

from fermata.domain.orders.candidates import Candidate
from fermata.domain.orders.references import ProviderIds
from fermata.errors import FieldError, InvalidRequestError


def unknown_ids(kinds: Iterable[str]) -> InvalidRequestError:
    """The refusal of ids that no upload of this tenant made."""
    found = (
        "is no id that an upload of yours made; expected one that a job shows in its reference, or order with the "
        "recording itself"
    )
    return InvalidRequestError([FieldError(f"/reference/{kind}", found) for kind in kinds])


def ids_under_one_key(provider: str, named: Mapping[str, str], aliases: Mapping[str, str | None]) -> ProviderIds:
    """The named ids with the alias of the key whose account has them; an id without an alias counts for every account.
    Raises `InvalidRequestError` if they belong to two accounts.
    """
    known = sorted({alias for alias in aliases.values() if alias is not None})
    if len(known) > 1:
        found = "belongs to another account at the provider than voice_id; name two ids that one upload made"
        raise InvalidRequestError([FieldError("/reference/instrumental_id", found)])
    return ProviderIds(provider=provider, key_alias=known[0] if known else "", **named)


def chain_with_ids(
    chain: tuple[Candidate, ...], ids: ProviderIds, *, fallbacks_were_named: bool
) -> tuple[Candidate, ...]:
    """The chain whose models order with these ids. A fallback of another provider does not know them: it is left out
    if the caller did not name it, otherwise raises `InvalidRequestError`.
    """
    strangers = [position for position, each in enumerate(chain) if each.provider != ids.provider]
    if strangers and fallbacks_were_named:
        found = f"does not know ids of {ids.provider}; name a fallback of that provider, or send the recording itself"
        raise InvalidRequestError([FieldError(f"/fallbacks/{position - 1}", found) for position in strangers])
    return tuple(each.with_ids(ids) for each in chain if each.provider == ids.provider)
