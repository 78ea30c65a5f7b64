"""The columns of the authority that hold encrypted values, for key rotation."""

from collections.abc import Callable

from services.authority.embedded.models import CardRecord, Certificate, Subscriber
from services.authority.embedded.personal_data.records import SEALED_FIELDS
from services.storage.keys import column_context
from services.storage.rotation import SealedColumn


def _column_context_for(table: str, column: str) -> Callable[[str | int], str]:
    return lambda key: column_context(table, key, column)


AUTHORITY_SEALED_COLUMNS = (
    *(
        SealedColumn(Subscriber, Subscriber.id, name, _column_context_for("subscribers", name))
        for name in SEALED_FIELDS
    ),
    SealedColumn(
        CardRecord, CardRecord.application_id, "number", _column_context_for("cards", "number")
    ),
    SealedColumn(
        Certificate,
        Certificate.serial,
        "document",
        _column_context_for("certificates", "document"),
    ),
)
