"""An offered upload of a reference recording."""

from typing import Literal

from fermata.api.responses.body import Body, Url
from fermata.domain.orders.references import OfferedUpload
from fermata.domain.web.formats import Moment, ReferenceId, rfc3339


class UploadForm(Body):
    """An upload form: send `fields` and then the file as the field `file`, as multipart/form-data."""

    method: Literal["POST"]
    url: Url
    fields: dict[str, str]
    expires_at: Moment


class Reference(Body):
    """An offered upload of a reference recording. Orders may use its `id` until `expires_at`."""

    id: ReferenceId
    object: Literal["reference"]
    upload: UploadForm
    expires_at: Moment

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
