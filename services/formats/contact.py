"""Names and addresses, as they are written on the form, the letter and the certificate."""

import re

from services.formats.errors import Field, FormatError, Reason
from services.formats.text import compact, has_control, single_line

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_LONGEST_MAIL = 254
_LONGEST_NAME = 64
"""Upper bound of a common name in a certificate (X.520 ub-common-name)."""
_ADDRESS_LENGTH = range(8, 201)


def parse_mail_address(text: str) -> str:
    """Read an e-mail address: one recipient, no display name, a domain with a dot.

    :raises FormatError: saying what is wrong with it.
    """
    value = compact(text)
    if not value:
        raise FormatError(Field.MAIL_ADDRESS, Reason.EMPTY)
    if len(value) > _LONGEST_MAIL:
        raise FormatError(Field.MAIL_ADDRESS, Reason.LENGTH)
    local, at, domain = value.rpartition("@")
    if not at or not _LOCAL.fullmatch(local) or len(local) > 64:
        raise FormatError(Field.MAIL_ADDRESS, Reason.SHAPE)
    return f"{local}@{_domain(domain)}"


def _domain(domain: str) -> str:
    try:
        value = domain.encode("idna").decode().lower()
    except UnicodeError:
        raise FormatError(Field.MAIL_ADDRESS, Reason.SHAPE) from None
    labels = value.split(".")
    if len(labels) < 2 or labels[-1].isdigit() or not all(map(_LABEL.fullmatch, labels)):
        raise FormatError(Field.MAIL_ADDRESS, Reason.SHAPE)
    return value


def parse_postal_address(text: str) -> str:
    """Read the address a card is posted to: one line, long enough, with words and a number.

    :raises FormatError: saying what is wrong with it.
    """
    value = _words(text, Field.POSTAL_ADDRESS)
    if len(value) not in _ADDRESS_LENGTH:
        raise FormatError(Field.POSTAL_ADDRESS, Reason.LENGTH)
    if not (any(map(str.isalpha, value)) and any(map(str.isnumeric, value))):
        raise FormatError(Field.POSTAL_ADDRESS, Reason.SHAPE)
    return value


def parse_name(text: str) -> str:
    """Read a person's name in any script.

    :raises FormatError: saying what is wrong with it.
    """
    value = _words(text, Field.NAME)
    if len(value) > _LONGEST_NAME:
        raise FormatError(Field.NAME, Reason.LENGTH)
    if not any(c.isalpha() for c in value) or any(c.isdigit() for c in value):
        raise FormatError(Field.NAME, Reason.CHARACTERS)
    return value


def _words(text: str, field: Field) -> str:
    value = single_line(text)
    if not value:
        raise FormatError(field, Reason.EMPTY)
    if has_control(value):
        raise FormatError(field, Reason.CHARACTERS)
    return value
