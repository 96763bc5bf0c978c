"""Pictures that clients send, with their records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from c2l import service
from c2l.errors import BadInput, BadPicture
from c2l.web.uploads import photo_of, record_of

if TYPE_CHECKING:
    from c2l.service import Photo
    from c2l.web.offer import Offer


class SentPicture(NamedTuple):
    """A picture, and the record in it if it is a PNG that c2l wrote."""

    photo: Photo
    record: Mapping[str, Any] | None

    def recipe_of(self, offer: Offer) -> str:
        """The recipe that drew it, if it is offered here; or else the default one."""
        name = (self.record or {}).get("recipe")
        return name if isinstance(name, str) and name in offer.recipes else offer.default


async def read_picture(data: bytes, *, field: str) -> SentPicture:
    """A picture of any origin. Raises ``BadPicture``."""
    photo = await photo_of(data, field=field)
    try:
        return SentPicture(photo, await record_of(data, field=field))
    except BadPicture:  # a record of a newer version; it is still a picture
        return SentPicture(photo, None)


def bytes_in(text: object, *, field: str) -> bytes:
    """A picture in base64, with a prefix as in ``data:image/png;base64,`` or without.

    Raises:
        BadInput: it is not; addresses are not fetched.
    """
    if not isinstance(text, str):
        raise BadInput(f"`{field}` is not a picture", hint="Send it in base64", field=field)
    if text[:8].lower().startswith(("http://", "https://")):
        raise BadInput(
            f"`{field}` is an address, and this server fetches none",
            hint="Send the picture itself, as a file or in base64",
            field=field,
        )
    return service.bytes_of(text, field=field)
