"""Reference recordings: their names in requests, the models' rules, and the record of a measured recording."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveInt, StrictStr

from fermata.domain.catalogue.models import Model, Purpose, ReferenceRule
from fermata.domain.orders.job_id import is_reference_id, reference_created_at
from fermata.domain.providers.failures import MESSAGE_LIMIT, Failure, FailureClass, ProviderCharged
from fermata.domain.tenants.plan_limits import Allowance
from fermata.domain.web.safe_url import PUBLIC_LINK_RULE, is_public_link
from fermata.errors import FieldError

MAX_URL_CHARACTERS: Final = 2048

KEPT: Final = timedelta(days=30)
"""How long the bucket keeps a recording (the lifecycle rule of `references/` in `template.yaml`)."""

USABLE: Final = KEPT - timedelta(days=1)
"""How long after `POST /v1/references` a request may name an id; every job then has a day left to use the file."""


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must have printable characters only")
    return text


ProviderId = Annotated[StrictStr, Field(min_length=1, max_length=1024), AfterValidator(_printable)]


class ReferenceRequest(BaseModel):
    """The reference recording of a song: exactly one of a caller's link, an upload's id, or the provider's own ids of a
    recording that an earlier job handed over.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    audio_url: Annotated[StrictStr, Field(min_length=1, max_length=MAX_URL_CHARACTERS)] | None = None
    """A link to the recording: https on port 443 of a public host. Left out if `id` or a provider's id names it."""
    id: StrictStr | None = None
    """The id of an upload (`POST /v1/references`). Left out if a link or a provider's id names it."""
    purpose: Purpose | None = None
    """The role of the recording, for models that distinguish roles; `song` by default."""
    voice_id: ProviderId | None = None
    """The provider's id of a voice, from `reference` of an earlier job. Left out if a link or an upload names it."""
    instrumental_id: ProviderId | None = None
    """The provider's id of an instrumental, from `reference` of an earlier job. Left out if a link or an upload names
    it.
    """

    @property
    def named_ids(self) -> Mapping[str, str]:
        """The provider's ids that the caller names, by their kind; empty for a link or an upload."""
        named: Mapping[str, str | None] = {"voice_id": self.voice_id, "instrumental_id": self.instrumental_id}
        return {kind: value for kind, value in named.items() if value is not None}

    @property
    def meant_as(self) -> Purpose:
        """The recording's role, with the default applied."""
        return self.purpose or "song"


class ProviderIds(BaseModel):
    """A provider's ids of an uploaded recording; they are valid only for the account of the key. An empty `key_alias`
    stands for the provider's current key: ids that the caller may name although no upload here made them.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

    provider: str
    key_alias: str
    voice_id: str = ""
    instrumental_id: str = ""

    @property
    def by_kind(self) -> Mapping[str, str]:
        """The ids by their kind, without those that the provider did not give."""
        ids: Mapping[str, str] = {"voice_id": self.voice_id, "instrumental_id": self.instrumental_id}
        return {kind: value for kind, value in ids.items() if value}


@dataclass(frozen=True)
class OfferedUpload:
    """A new recording's id and the form for its upload: post `fields` and then the file to `url` before `upload_until`.
    Orders may name the id until `usable_until`. `allowance` is the plan's rest for the day, if known.
    """

    reference_id: str
    url: str
    fields: Mapping[str, str]
    upload_until: datetime
    usable_until: datetime
    allowance: Allowance | None = None


class PreparedReference(BaseModel):
    """A job's measured reference, in bytes and ms. `object_key` is the key of the caller's upload, or of the job's own
    copy. `ids` are those of providers that received the file.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

    object_key: str
    content_type: str
    extension: str
    bytes: PositiveInt
    duration_ms: PositiveInt
    sha256: str
    ids: tuple[ProviderIds, ...] = ()

    def ids_with(self, provider: str) -> ProviderIds | None:
        """The provider's ids of this recording, or None if it was not uploaded there."""
        return next((each for each in self.ids if each.provider == provider), None)

    def is_copy_of(self, job_id: str) -> bool:
        """Whether it is this job's own copy, which no other job writes."""
        return self.object_key.rpartition("/")[2].partition(".")[0] == job_id

    def known_by(self, ids: ProviderIds) -> "PreparedReference":
        """This recording with a provider's ids, which replace older ids of the same provider."""
        others = tuple(each for each in self.ids if each.provider != ids.provider)
        return self.model_copy(update={"ids": (*others, ids)})


def needs_copy(rule: ReferenceRule | None, reference: PreparedReference | None, job_id: str) -> bool:
    """Whether a job's reference has still to be measured, checked by this rule, or copied for a provider that fetches
    it by a link.
    """
    if rule is None:
        return False
    if reference is None or refused_by(rule, reference) is not None:
        return True
    return rule.handed_over == "link" and not reference.is_copy_of(job_id)


def object_key(tenant_id: str, name: str) -> str:
    """The object key of a tenant's recording; `name` is the id of an upload. With the id of a job, the prefix of that
    job's copies.
    """
    return f"references/{tenant_id}/{name}"


def copy_key(tenant_id: str, job_id: str, sha256: str) -> str:
    """The object key of a job's copy of a recording. It contains the hash, so that two runs that received different
    bytes do not overwrite each other's copy.
    """
    return f"{object_key(tenant_id, job_id)}.{sha256}"


def usable_until(reference_id: str) -> datetime:
    """The instant until which a request may name an uploaded recording."""
    return reference_created_at(reference_id) + USABLE


def wrong_names(reference: ReferenceRequest | None, trusted_origins: Collection[str]) -> Iterator[FieldError]:
    """The errors of a request's reference for any model: not exactly one of link, id and a provider's ids, or a link
    that is not public.
    """
    if reference is None:
        return
    if [reference.audio_url is None, reference.id is None, not reference.named_ids].count(False) != 1:
        yield FieldError(
            "/reference", "must have exactly one of audio_url, id, and a provider's voice_id or instrumental_id or both"
        )
    if reference.audio_url is not None and not is_public_link(reference.audio_url, trusted_origins):
        yield FieldError(
            "/reference/audio_url",
            f"{PUBLIC_LINK_RULE}; percent-encode other characters, or upload the recording with POST /v1/references",
        )
    if reference.id is not None and not is_reference_id(reference.id):
        yield unknown_upload()


def unknown_upload() -> FieldError:
    """The error for an id without a recording of this tenant."""
    return FieldError(
        "/reference/id",
        "names no uploaded recording; ask POST /v1/references for an id, send the file as it says, then name the id",
    )


def wrong_upload(
    reference_id: str, size_bytes: int | None, rules: Mapping[str, ReferenceRule], now: datetime
) -> Iterator[FieldError]:
    """The errors of an upload before it is measured; `size_bytes` is None without a file. `rules` are those of the
    order's models, by id.
    """
    if size_bytes is None:
        yield unknown_upload()
        return
    if now >= usable_until(reference_id):
        yield FieldError("/reference/id", f"could be named for {USABLE.days} days; upload the recording again")
    for model_id, rule in rules.items():
        if size_bytes > rule.max_bytes:
            found = f"must name a file of at most {rule.max_bytes} bytes for {model_id}, got {size_bytes}"
            yield FieldError("/reference/id", found)


def what_the_rule_refuses(reference: ReferenceRequest | None, model: Model) -> Iterator[FieldError]:
    """The errors of this reference, or of its absence, for a model."""
    rule = model.reference
    if reference is None:
        if rule and rule.required:
            yield FieldError(
                "/reference",
                f"is required: {model.id} needs a reference recording; send its audio_url, or the id of an upload that "
                "POST /v1/references gives",
            )
    elif rule is None:
        yield FieldError("/reference", f"must be left out: {model.id} takes no reference")
    elif reference.named_ids:
        yield from _what_the_rule_refuses_of_ids(reference, rule, model)
    elif reference.purpose and not rule.purposes:
        yield FieldError("/reference/purpose", f"must be left out: {model.id} has no choice")
    elif rule.purposes and reference.meant_as not in rule.purposes:
        yield FieldError("/reference/purpose", "must be one of " + ", ".join(rule.purposes))


def _what_the_rule_refuses_of_ids(
    reference: ReferenceRequest, rule: ReferenceRule, model: Model
) -> Iterator[FieldError]:
    if rule.handed_over != "ids":
        for kind in reference.named_ids:
            found = f"must be left out: {model.id} takes a recording, not ids; send audio_url or the id of an upload"
            yield FieldError(f"/reference/{kind}", found)
    elif reference.purpose:
        yield FieldError("/reference/purpose", "must be left out: voice_id and instrumental_id say it themselves")


def refused_by(rule: ReferenceRule, reference: PreparedReference) -> Failure | None:
    """The failure of a measured recording that violates a rule, or None."""
    seconds = reference.duration_ms / 1000
    if reference.extension not in rule.formats:
        return unusable(
            "reference_wrong_format", f"expected {' or '.join(rule.formats)}, found {reference.content_type}"
        )
    if reference.bytes > rule.max_bytes:
        return unusable("reference_too_large", f"expected at most {rule.max_bytes} bytes, found {reference.bytes}")
    if reference.duration_ms < rule.shortest_ms:
        shortest = f"more than {rule.longer_than_s} s" if rule.min_s is None else f"at least {rule.min_s} s"
        return unusable("reference_too_short", f"expected {shortest}, found {seconds:.3f} s")
    if seconds > rule.max_s:
        return unusable("reference_too_long", f"expected at most {rule.max_s} s, found {seconds:.3f} s")
    return None


def unusable(code: str, found: str) -> Failure:
    """The failure of a job whose reference is unusable; no song was ordered."""
    return Failure(
        failure_class=FailureClass.INVALID_REQUEST,
        provider_charged=ProviderCharged.NO,
        message=f"the reference recording cannot be used: {found}; nothing was paid"[:MESSAGE_LIMIT],
        code=code,
    )
