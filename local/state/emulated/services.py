"""Secrets and parameters: so few that each change keeps those that differ from what is kept."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from local.deploy.deployment import ACCOUNT_ID, REGION
from local.emulator.moto_seams import MotoValue
from local.state.emulated import seams
from local.state.journal import Journal
from local.state.store import Change

_SECRET: Final = "secret"  # noqa: S105 (a kind)
_PARAMETER: Final = "parameter"
_TARGETS: Final = {"secretsmanager": _SECRET, "AmazonSSM": _PARAMETER}
_READING: Final = ("Get", "Describe", "List")


class Services:
    """Keeps Secrets Manager's secrets and the parameter store's parameters."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._kept = {kind: dict(journal.store.read(kind, "")) for kind in _TARGETS.values()}
        self._absent = {kind: dict(kept) for kind, kept in self._kept.items()}
        """What is kept and not back yet, which is no reason to forget it."""

    def install(self) -> None:
        """Give a secret that is created again its former ARN and value."""
        create = seams.CREATE_SECRET.original

        def create_secret(backend: MotoValue, name: str, *rest: MotoValue, **named: MotoValue) -> str:
            answer: str = create(backend, name, *rest, **named)
            if name not in self._absent[_SECRET]:
                return answer
            self._restore_secret(name)
            said: str = backend.secrets[name].to_short_dict()
            return said

        seams.CREATE_SECRET.replace(create_secret)

    def note(self, target: str) -> None:
        """Keep what a call changed; `target` is its `X-Amz-Target`."""
        service, _, action = target.partition(".")
        kind = _TARGETS.get(service)
        if kind is not None and not action.startswith(_READING):
            self._journal.touch(self, kind, "")

    def restore_others(self) -> None:
        """Bring back what no template has created: a caller did."""
        for name in sorted(self._absent[_SECRET].keys() - _secrets().keys()):
            self._restore_secret(name)
        parameters = _parameters()
        for name, text in self._absent[_PARAMETER].items():
            if not parameters.get(name):
                parameters[name] = [_parameter(each) for each in json.loads(text)]
        self._absent = {kind: {} for kind in self._absent}

    def prepare(self, owner: str, key: str) -> None:
        """Do nothing: secrets and parameters are small."""

    def kept(self) -> None:
        """Do nothing: they leave nothing behind."""

    def changes(self, owner: str, key: str) -> list[Change]:  # noqa: ARG002 (the kind is all that is noted)
        """Return those of a kind that changed since they were kept."""
        now = self._absent[owner] | dict(_secret_texts() if owner == _SECRET else _parameter_texts())
        before, self._kept[owner] = self._kept[owner], now
        names = sorted({*before, *now})
        return [Change(owner, "", name, now.get(name)) for name in names if before.get(name) != now.get(name)]

    def _restore_secret(self, name: str) -> None:
        from moto.secretsmanager.models import FakeSecret

        secret = FakeSecret.__new__(FakeSecret)
        vars(secret).update(json.loads(self._absent[_SECRET].pop(name)), replicas=[])
        _secrets()[name] = secret


def _secrets() -> MotoValue:
    from moto.secretsmanager.models import secretsmanager_backends

    return secretsmanager_backends[ACCOUNT_ID][REGION].secrets


def _secret_texts() -> Iterator[tuple[str, str]]:
    for name, secret in list(_secrets().items()):
        yield name, json.dumps({field: value for field, value in vars(secret).items() if field != "replicas"})


def _parameters() -> MotoValue:
    from moto.ssm.models import ssm_backends

    return ssm_backends[ACCOUNT_ID][REGION]._parameters  # noqa: SLF001 (part of the seam)


def _parameter_texts() -> Iterator[tuple[str, str]]:
    for name, versions in list(_parameters().items()):
        if versions:
            yield name, json.dumps([vars(version) for version in versions], default=_instant)


def _parameter(fields: dict[str, Any]) -> MotoValue:
    from moto.ssm.models import Parameter

    parameter = Parameter.__new__(Parameter)
    changed_at = datetime.fromisoformat(fields["last_modified_date"])
    vars(parameter).update(fields, last_modified_date=changed_at)
    return parameter


def _instant(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no value of a parameter")
