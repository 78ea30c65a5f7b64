"""Every column of the authority that holds sealed values, for the rotation of the key."""

from collections.abc import Callable

from services.authority.embedded.models import Card, Certificate, Subscriber, place
from services.authority.embedded.personal_data.records import SEALED_FIELDS
from services.storage.rotation import SealedColumn


def _placed(table: str, column: str) -> Callable[[str | int], str]:
    return lambda key: place(table, str(key), column)


SEALED_COLUMNS = (
    *(
        SealedColumn(Subscriber, Subscriber.id, name, _placed("subscribers", name))
        for name in SEALED_FIELDS
    ),
    SealedColumn(Card, Card.application_id, "number", _placed("cards", "number")),
    SealedColumn(Certificate, Certificate.serial, "document", _placed("certificates", "document")),
)
