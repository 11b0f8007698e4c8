"""AWS::S3::Bucket and AWS::S3::BucketPolicy."""

from typing import Final, Literal

from pydantic import Field

from local.deploy.deployment import REGION
from local.deploy.resources.resource_type import Created, Document, Properties, ResourceType, Stack, as_json


class Versioning(Properties):
    """Whether the bucket keeps overwritten objects."""

    status: Literal["Enabled", "Suspended"]


class PublicAccessBlock(Properties):
    """The kinds of public access that the bucket refuses."""

    block_public_acls: bool | None = None
    block_public_policy: bool | None = None
    ignore_public_acls: bool | None = None
    restrict_public_buckets: bool | None = None


class EventBridgeConfiguration(Properties):
    """Whether the bucket notifies EventBridge of every object."""

    event_bridge_enabled: Literal[True]


class NotificationConfiguration(Properties):
    """The bucket's notifications, of which only those to EventBridge are supported."""

    event_bridge_configuration: EventBridgeConfiguration


class CorsRule(Properties):
    """What pages of some origins may do with the bucket's objects."""

    allowed_methods: list[str]
    allowed_origins: list[str]
    allowed_headers: list[str] = Field(default_factory=list)
    exposed_headers: list[str] = Field(default_factory=list)
    max_age: int | None = None

    def as_cors_request(self) -> dict[str, object]:
        """The rule as the API names it."""
        names = {"MaxAge": "MaxAgeSeconds", "ExposedHeaders": "ExposeHeaders"}
        return {names.get(name, name): value for name, value in {"MaxAge": 0, **self.as_request()}.items()}


class CorsConfiguration(Properties):
    """The bucket's CORS rules."""

    cors_rules: list[CorsRule]


class BucketProperties(Properties):
    """A bucket; `ignored_properties.json` lists the properties that only AWS applies."""

    bucket_name: str | None = None
    versioning_configuration: Versioning | None = None
    notification_configuration: NotificationConfiguration | None = None
    public_access_block_configuration: PublicAccessBlock | None = None
    cors_configuration: CorsConfiguration | None = None


class BucketPolicyProperties(Properties):
    """A bucket's policy."""

    bucket: str
    policy_document: Document


def _create_bucket(logical_id: str, properties: BucketProperties, stack: Stack) -> Created:
    name = properties.bucket_name or stack.physical_name(logical_id, 63).lower()
    s3 = stack.client("s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    if properties.versioning_configuration:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=properties.versioning_configuration.as_request())
    if properties.notification_configuration:
        notifications: dict[str, object] = {"EventBridgeConfiguration": {}}
        s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration=notifications)
    if properties.public_access_block_configuration:
        block = properties.public_access_block_configuration.as_request()
        s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=block)
    if properties.cors_configuration:
        rules = [rule.as_cors_request() for rule in properties.cors_configuration.cors_rules]
        s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": rules})
    domain = {"DomainName": f"{name}.s3.amazonaws.com", "RegionalDomainName": f"{name}.s3.{REGION}.amazonaws.com"}
    return Created(name, {"Arn": f"arn:aws:s3:::{name}", **domain})


def _create_bucket_policy(_logical_id: str, properties: BucketPolicyProperties, stack: Stack) -> Created:
    stack.client("s3").put_bucket_policy(Bucket=properties.bucket, Policy=as_json(properties.policy_document))
    return Created(properties.bucket)


RESOURCE_TYPES: Final = (
    ResourceType(
        "AWS::S3::Bucket", BucketProperties, _create_bucket, frozenset({"Arn", "DomainName", "RegionalDomainName"})
    ),
    ResourceType("AWS::S3::BucketPolicy", BucketPolicyProperties, _create_bucket_policy),
)
