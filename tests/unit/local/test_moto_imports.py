"""What the cloud leaves out when it imports the emulator: a second of start for each."""

import subprocess
import sys

SCRIPT = """
import sys
from local import moto_backends
moto_backends.import_parameter_store()
import moto.ssm.models
print("moto.ec2" in sys.modules, dict(moto.ssm.models.ec2_backends))
import moto.ec2
print(type(moto.ec2.ec2_backends).__name__)
"""


def test_parameters_are_had_without_ec2_which_is_whole_for_whoever_asks_for_it() -> None:
    ended = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert ended.stdout.split() == ["False", "{}", "BackendDict"], ended.stderr
