"""Usage in other groups than by day and model: by day, model, API key or one field of the jobs' metadata."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from fermata.domain.catalogue.units import Unit, in_units
from fermata.domain.money.reports.day_pages import DayPage, parse_day_page
from fermata.domain.money.reports.usage_log import UsageLine
from fermata.domain.money.usage import COUNTERS, Usage
from fermata.domain.web.metadata_names import METADATA
from fermata.errors import FieldError, InvalidRequestError

MOST_GROUPS: Final = 1000
MOST_JOBS: Final = 20_000
"""The most jobs that one answer groups by key or metadata; their lines are read one by one."""
BY_DAY_AND_MODEL: Final = ("day", "model")

_NAMES: Final = ("day", "model", "key")
_LONGEST_NAME: Final = 40
_BETWEEN_NAMES: Final = re.compile(r"(?<!\\),")


@dataclass(frozen=True)
class UsageRequest:
    """A list of usage: a page by day and model, or all groups by other names."""

    page: DayPage
    group_by: tuple[str, ...] = BY_DAY_AND_MODEL

    @property
    def is_by_day_and_model(self) -> bool:
        """Whether it is the usual list, which is read page by page."""
        return sorted(self.group_by) == [*BY_DAY_AND_MODEL]

    @property
    def needs_log(self) -> bool:
        """Whether the counters of days and models are not enough."""
        return not set(self.group_by) <= {*BY_DAY_AND_MODEL}


@dataclass(frozen=True)
class UsageGroup:
    """The usage of one group. Of `day`, `model`, `key_id` and `metadata` (a name and a value) only those that were
    asked for are meant; a key or a value may be None. A group has one unit.
    """

    names: tuple[str, ...]
    unit: Unit
    day: date | None = None
    model: str | None = None
    key_id: str | None = None
    metadata: tuple[str, str | None] | None = None
    jobs: int = 0
    succeeded: int = 0
    credits: int = 0
    audio_ms: int = 0
    unit_thousandths: int = 0

    @property
    def units(self) -> float:
        """The delivered units."""
        return in_units(self.unit_thousandths, 1000)


def parse_usage_request(tenant_id: str, parameters: Mapping[str, str], now: datetime) -> UsageRequest:
    """The list that `group_by`, `from`, `to`, `limit` and `cursor` request; raises `InvalidRequestError` naming each
    wrong parameter.
    """
    page = parse_day_page(tenant_id, "", parameters, now)
    names = tuple(_names_in(parameters.get("group_by", ",".join(BY_DAY_AND_MODEL))))
    asked = UsageRequest(page, names)
    wrong = [FieldError("/group_by", what) for what in _wrong_names(names)]
    if not asked.is_by_day_and_model:
        alone = "is for group_by=day,model only; other groups come at once"
        wrong += [FieldError(f"/{each}", alone) for each in ("limit", "cursor") if each in parameters]
    if wrong:
        raise InvalidRequestError(wrong)
    return asked


def grouped(names: tuple[str, ...], rows: Iterable[Usage | UsageLine]) -> list[UsageGroup]:
    """The groups of rows, sorted; raises `InvalidRequestError` beyond `MOST_GROUPS`."""
    groups: dict[UsageGroup, UsageGroup] = {}
    for row in rows:
        usage = row.usage if isinstance(row, UsageLine) else row
        group = _group_of(names, row, usage)
        before = groups.get(group, group)
        sums = {name: getattr(before, name) + getattr(usage, name) for name in COUNTERS}
        groups[group] = UsageGroup(**{**vars(group), **sums})
        if len(groups) > MOST_GROUPS:
            few = f"must make at most {MOST_GROUPS} groups; ask for fewer days or group by less"
            raise InvalidRequestError([FieldError("/group_by", few)])
    return sorted(groups.values(), key=_order)


def counted_jobs(lines: Iterable[UsageLine]) -> Iterable[UsageLine]:
    """The same lines; raises `InvalidRequestError` beyond `MOST_JOBS`."""
    for number, line in enumerate(lines, 1):
        if number > MOST_JOBS:
            few = f"must make at most {MOST_JOBS} jobs for groups by key or metadata; ask for fewer days"
            raise InvalidRequestError([FieldError("/from", few)])
        yield line


def _group_of(names: tuple[str, ...], row: Usage | UsageLine, usage: Usage) -> UsageGroup:
    name = next((each.removeprefix(METADATA) for each in names if each.startswith(METADATA)), None)
    metadata = (row.metadata if isinstance(row, UsageLine) else None) or {}
    return UsageGroup(
        names=names,
        unit=usage.unit,
        day=usage.day if "day" in names else None,
        model=usage.model if "model" in names else None,
        key_id=row.key_id if "key" in names and isinstance(row, UsageLine) else None,
        metadata=None if name is None else (name, metadata.get(name)),
    )


def _order(group: UsageGroup) -> tuple[str, ...]:
    """Sorts a group without a key or value after the others."""
    value = group.metadata[1] if group.metadata else None
    parts = (str(group.day), group.model, group.key_id, value, group.unit)
    return tuple("1" if part is None else f"0{part}" for part in parts)


def _names_in(text: str) -> Iterable[str]:
    """The names between commas; a backslash before a comma makes it part of a name."""
    return (name.replace("\\,", ",") for name in _BETWEEN_NAMES.split(text))


def _wrong_names(names: tuple[str, ...]) -> Iterable[str]:
    for name in names:
        field = name.removeprefix(METADATA)
        if name not in _NAMES and (field == name or not 0 < len(field) <= _LONGEST_NAME):
            yield f"must be names of {', '.join(_NAMES)} and metadata.NAME, with commas between them"
            return
    if len(set(names)) < len(names) or sum(name.startswith(METADATA) for name in names) > 1:
        yield "must name each once, and one field of metadata at most"
