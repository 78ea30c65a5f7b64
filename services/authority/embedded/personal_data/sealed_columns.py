"""The columns of the authority that hold encrypted values, for key rotation."""

from collections.abc import Callable

from services.authority.embedded.models import CardRecord, Certificate, Subscriber, associated_data
from services.authority.embedded.personal_data.records import SEALED_FIELDS
from services.storage.rotation import SealedColumn


def _associated_data_for(table: str, column: str) -> Callable[[str | int], str]:
    return lambda key: associated_data(table, str(key), column)


AUTHORITY_SEALED_COLUMNS = (
    *(
        SealedColumn(Subscriber, Subscriber.id, name, _associated_data_for("subscribers", name))
        for name in SEALED_FIELDS
    ),
    SealedColumn(
        CardRecord, CardRecord.application_id, "number", _associated_data_for("cards", "number")
    ),
    SealedColumn(
        Certificate,
        Certificate.serial,
        "document",
        _associated_data_for("certificates", "document"),
    ),
)
