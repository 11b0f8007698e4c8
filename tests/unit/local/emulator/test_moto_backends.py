"""What the cloud leaves out of the emulator: a second of start, and memory that grows with the square of the writes."""

import subprocess
import sys

SCRIPT = """
import sys
from local.emulator import moto_backends
moto_backends.import_parameter_store()
import moto.ssm.models
print("moto.ec2" in sys.modules, dict(moto.ssm.models.ec2_backends))
import moto.ec2
print(type(moto.ec2.ec2_backends).__name__)
"""


def test_parameters_load_without_ec2_and_ec2_is_complete_when_it_is_requested() -> None:
    ended = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert ended.stdout.split() == ["False", "{}", "BackendDict"], ended.stderr


REWRITTEN = """
import gc
from local.emulator import moto_backends
moto_backends.forget_dropped_objects()
from moto import mock_aws
from moto.dynamodb.models.dynamo_type import DynamoType
from tests.support.cloud import TABLE, dynamodb_with_table
with mock_aws():
    client = dynamodb_with_table()
    for _ in range(2):
        for _ in range(5):
            item = {"pk": {"S": "a"}, "sk": {"S": "b"}}
            client.transact_write_items(TransactItems=[{"Put": {"TableName": TABLE, "Item": item}}])
        gc.collect()
        print(sum(isinstance(each, DynamoType) for each in gc.get_objects()))
"""


def test_an_item_that_is_written_again_leaves_nothing_of_what_it_was() -> None:
    ended = subprocess.run([sys.executable, "-c", REWRITTEN], capture_output=True, text=True, check=False)
    first, second = ended.stdout.split()
    assert first == second, ended.stderr


KINDS = """
from local.emulator.dynamodb import values
values.pass_attributes_as_they_are()
from moto import mock_aws
from tests.support.cloud import TABLE, dynamodb_with_table
with mock_aws():
    client = dynamodb_with_table()
    plain = {"s": {"S": ""}, "n": {"N": "1.5"}, "yes": {"BOOL": True}, "no": {"BOOL": False}, "none": {"NULL": True}}
    nested = {"m": {"M": {**plain, "l": {"L": [{"S": "x"}, {"M": plain}]}}}, "ss": {"SS": ["a"]}, "b": {"B": b"\\x00"}}
    item = {"pk": {"S": "a"}, "sk": {"S": "b"}, **plain, **nested}
    client.put_item(TableName=TABLE, Item=item)
    print(client.get_item(TableName=TABLE, Key={"pk": item["pk"], "sk": item["sk"]})["Item"] == item)
"""


def test_attributes_of_every_kind_come_back_as_they_were_sent() -> None:
    ended = subprocess.run([sys.executable, "-c", KINDS], capture_output=True, text=True, check=False)
    assert ended.stdout.strip() == "True", ended.stderr
