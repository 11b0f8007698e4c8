"""Attributes are measured and copied as moto does it, whatever they hold."""

import subprocess
import sys

SCRIPT = """
import copy
from moto.dynamodb.models.dynamo_type import DynamoType
from local.emulator import moto_seams
from tests.unit.local.emulator.dynamodb.answers import KIND
from local.emulator.dynamodb import values

measure, duplicate = moto_seams.ATTRIBUTE_SIZE.original, moto_seams.ATTRIBUTE_COPY.original

def attributes():
    deep = {"M": {"é": {"L": [{"M": dict(KIND)}, {"N": "12"}]}}}
    for each in (*KIND.values(), {"M": dict(KIND)}, {"L": list(KIND.values())}, deep):
        yield DynamoType(copy.deepcopy(each))
    updated = DynamoType({"M": {}})
    # After an update, a map's member is in the wire format.
    updated.value["member"] = {"S": "é"}
    yield updated

expected = [measure(each) for each in attributes()]
values.measure_and_copy_attributes_as_they_are()
measured = [each.size() for each in attributes()]
copies = [(each, copy.deepcopy(each)) for each in attributes()]
print(measured == expected and len(set(expected)) > 5)
print(all(made == each and made.to_json() == each.to_json() for each, made in copies))

def mutable(value):
    inner = value.value if isinstance(value, DynamoType) else value
    if isinstance(inner, (dict, list)):
        yield id(inner)
        for each in inner.values() if isinstance(inner, dict) else inner:
            yield from mutable(each)

print(all(set(mutable(each)).isdisjoint(mutable(made)) for each, made in copies))
"""


def test_sizes_are_equal_and_copies_share_nothing_that_can_change() -> None:
    ended = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert ended.stdout.split() == ["True"] * 3, ended.stderr
