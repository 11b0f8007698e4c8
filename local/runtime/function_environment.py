"""The environment variables that a function finds."""

import os
from collections.abc import Mapping
from uuid import uuid4

from local.deploy.deployment import REGION, FunctionSpec


def function_environment(
    spec: FunctionSpec, endpoint_url: str, api_address: str, credentials: Mapping[str, str]
) -> dict[str, str]:
    """Return an environment's variables: the function's own and those that Lambda sets, none of this process."""
    return {
        **spec.environment,
        **credentials,
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_LAMBDA_FUNCTION_NAME": spec.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(spec.memory_mb),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{spec.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": uuid4().hex,
        "AWS_LAMBDA_RUNTIME_API": api_address,
        "LAMBDA_TASK_ROOT": str(spec.code_dir),
        "_HANDLER": spec.handler,
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PATH": os.defpath,
        "PYTHONPATH": os.pathsep.join(str(path) for path in (spec.code_dir, *spec.python_path)),
    }
