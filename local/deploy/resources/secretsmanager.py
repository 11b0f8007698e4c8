"""AWS::SecretsManager::Secret."""

import json
from typing import Any, Final

from local.deploy.resources.resource_type import Created, Properties, ResourceType, Stack


class GeneratedSecret(Properties):
    """The rules for a random secret. With a template and a key, the secret becomes one value of a JSON object."""

    secret_string_template: str | None = None
    generate_string_key: str | None = None
    password_length: int | None = None
    exclude_characters: str | None = None
    exclude_lowercase: bool | None = None
    exclude_numbers: bool | None = None
    exclude_punctuation: bool | None = None
    exclude_uppercase: bool | None = None
    include_space: bool | None = None
    require_each_included_type: bool | None = None


class SecretProperties(Properties):
    """A secret, given or generated."""

    name: str | None = None
    description: str | None = None
    secret_string: str | None = None
    generate_secret_string: GeneratedSecret | None = None


def _create_secret(logical_id: str, properties: SecretProperties, stack: Stack) -> Created:
    request = properties.as_request()
    generated = request.pop("GenerateSecretString", None)
    if generated is not None:
        request["SecretString"] = _generate(generated, stack)
    request.setdefault("Name", stack.physical_name(logical_id, 512))
    secret_arn: str = stack.client("secretsmanager").create_secret(**request)["ARN"]
    return Created(secret_arn, {"Id": secret_arn})


def _generate(how: dict[str, Any], stack: Stack) -> str:
    template, key = how.pop("SecretStringTemplate", "{}"), how.pop("GenerateStringKey", None)
    password: str = stack.client("secretsmanager").get_random_password(**how)["RandomPassword"]
    return json.dumps({**json.loads(template), key: password}) if key else password


RESOURCE_TYPES: Final = (
    ResourceType("AWS::SecretsManager::Secret", SecretProperties, _create_secret, frozenset({"Id"})),
)
