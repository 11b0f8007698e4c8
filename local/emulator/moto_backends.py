"""Replacements in moto's backends: locks, running state machines, and bucket policies that are only stored."""

import importlib
import importlib.util
import sys
from threading import RLock
from types import ModuleType
from typing import Final

from local.deploy.deployment import ACCOUNT_ID, REGION
from local.emulator import moto_seams
from local.emulator.capacity.measuring import measure_calls
from local.emulator.moto_seams import MotoValue

_BATCH: Final = "moto.batch"
_SSM: Final = "moto.ssm"
_EC2: Final = "moto.ec2"


def import_engine() -> None:
    """Import the state machine engine without AWS Batch, whose import loads EC2's tables and takes a second.

    Batch itself stays unchanged: a later import loads it completely.
    """
    spec = importlib.util.find_spec("moto")
    if _BATCH in sys.modules or spec is None or spec.submodule_search_locations is None:
        return
    package = ModuleType(_BATCH)
    package.__path__ = [f"{location}/batch" for location in spec.submodule_search_locations]
    sys.modules[_BATCH] = package
    try:
        importlib.import_module("moto.stepfunctions.parser.models")
    finally:
        for name in [name for name in sys.modules if name == _BATCH or name.startswith(f"{_BATCH}.")]:
            del sys.modules[name]


def import_parameter_store() -> None:
    """Import Systems Manager without EC2, whose tables take more than a second to load. Systems Manager needs EC2 only
    to send commands to instances, and there are none here.
    """
    if _SSM in sys.modules or _EC2 in sys.modules:
        return
    nothing = ModuleType(_EC2)
    nothing.__dict__["ec2_backends"] = {}
    sys.modules[_EC2] = nothing
    try:
        importlib.import_module(f"{_SSM}.models")
    finally:
        del sys.modules[_EC2]


def lock_backends() -> None:
    """Serialize the calls to each backend that several functions write to."""
    for seam in moto_seams.LOCKED:
        _lock(seam)


def _lock(seam: moto_seams.Seam) -> None:
    original, lock = seam.original, RLock()

    def call_action(self: MotoValue) -> MotoValue:
        with lock:
            return original(self)

    seam.replace(call_action)


def execute_machines() -> None:
    """Run state machines instead of only recording them."""
    moto_seams.EXECUTE_MACHINES.original["stepfunctions"]["execute_state_machine"] = True


def list_modules_once() -> None:
    """Cache the list of moto's services."""
    modules = tuple(moto_seams.MODULES.original())
    moto_seams.MODULES.replace(lambda: modules)


def forget_dropped_objects() -> None:
    """Stop moto from keeping every object for its reset, which is not used here."""
    model = moto_seams.NEW_MODEL.owner

    def new(cls: MotoValue, *_: MotoValue, **__: MotoValue) -> MotoValue:
        return super(model, cls).__new__(cls)

    moto_seams.NEW_MODEL.replace(staticmethod(new))


class EventBus:
    """The publishing part of EventBridge's boto3 client, without HTTP requests."""

    def put_events(self, Entries: list[dict[str, MotoValue]]) -> None:  # noqa: N803 (boto3's name)
        """Put events on the default bus."""
        from moto.events.models import events_backends

        events_backends[ACCOUNT_ID][REGION].put_events(Entries)


def make_ready() -> None:
    """Replace what every cloud needs replaced in moto's backends."""
    measure_calls()
    lock_backends()
    list_modules_once()
    forget_dropped_objects()
    enforce_no_bucket_policy()


def enforce_no_bucket_policy() -> None:
    """Store bucket policies without applying them: `local.iam` does."""
    from moto.iam.access_control import PermissionResult

    def get_permission(self: MotoValue, action: str, resource: str) -> MotoValue:  # noqa: ARG001 (moto calls it so)
        return PermissionResult.NEUTRAL

    moto_seams.BUCKET_PERMISSION.replace(get_permission)
