"""An offered upload of a reference recording."""

from typing import Literal

from fermata.api.responses.body import Body, Url
from fermata.domain.orders.references import OfferedUpload
from fermata.domain.web.formats import Moment, ReferenceId, rfc3339


class UploadForm(Body):
    """An upload form: send `fields` and then the file as the field `file`, as multipart/form-data."""

    method: Literal["POST"]
    """The HTTP method."""
    url: Url
    """Where to send the form."""
    fields: dict[str, str]
    """The fields of the form with their values; all of them have to be sent."""
    expires_at: Moment
    """Until when an upload may begin, in UTC."""


class Reference(Body):
    """An offered upload of a reference recording."""

    id: ReferenceId
    """What an order names as its `reference.id`."""
    object: Literal["reference"]
    """What this is."""
    upload: UploadForm
    """The form to upload the file with."""
    expires_at: Moment
    """Until when orders may name the id, in UTC."""

    @classmethod
    def of(cls, offer: OfferedUpload) -> "Reference":
        """The reference of an offered upload."""
        return cls.model_construct(
            id=offer.reference_id,
            object="reference",
            upload=UploadForm.model_construct(
                method="POST", url=offer.url, fields=dict(offer.fields), expires_at=rfc3339(offer.upload_until)
            ),
            expires_at=rfc3339(offer.usable_until),
        )
