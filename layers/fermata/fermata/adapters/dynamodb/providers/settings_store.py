"""What the operator has set, in DynamoDB: `SETTINGS`/<version>, an item that never changes."""

from typing import TYPE_CHECKING, Final

from fermata.adapters.aws_errors import aws_errors
from fermata.adapters.dynamodb.items import plain, typed
from fermata.adapters.dynamodb.reading import read
from fermata.domain.catalogue.operator_settings import NOTHING_SET, OperatorSettings
from fermata.errors import ConfigurationError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_KEY: Final = "SETTINGS"


class DynamoSettingsStore:
    """`SettingsStore` over one table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def keep(self, settings: OperatorSettings) -> None:
        """Store the settings under their version; storing them again changes nothing."""
        if settings.version == NOTHING_SET:
            return
        item = typed({"pk": _KEY, "sk": settings.version, "settings": settings.as_json()})
        with aws_errors("the operator's settings could not be written"):
            self._client.put_item(TableName=self._table, Item=item)

    def load(self, version: str) -> OperatorSettings:
        """The settings of a version, read consistently; raises `ConfigurationError` where there are none."""
        if version == NOTHING_SET:
            return OperatorSettings()
        key = typed({"pk": _KEY, "sk": version})
        with aws_errors("the operator's settings could not be read"):
            item = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        if item is None:
            raise ConfigurationError(
                f"the table has no settings of version {version}; change a setting and deploy, which writes them anew"
            )
        return read(plain(item), lambda stored: OperatorSettings.model_validate_json(stored["settings"]))

    def forget(self, version: str) -> None:
        """Delete the settings of a version; where there are none, nothing happens."""
        with aws_errors("the operator's settings could not be deleted"):
            self._client.delete_item(TableName=self._table, Key=typed({"pk": _KEY, "sk": version}))
