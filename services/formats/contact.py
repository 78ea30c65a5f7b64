"""Names, e-mail addresses and postal addresses."""

from services.formats.errors import FormatError, FormatProblem, InputField
from services.formats.text_cleaning import compact, has_control_characters, single_line

_LONGEST_MAIL = 254
_LONGEST_NAME = 64
"""Upper bound of a common name in a certificate (X.520 ub-common-name)."""
_ADDRESS_LENGTH = range(8, 201)


def parse_mail_address(text: str) -> str:
    """Parse an e-mail address: one recipient, no display name, a domain with a dot.

    The domain is returned as SMTP needs it (IDNA). Domains for tests (RFC 2606) are accepted.

    :raises FormatError: if it is not one.
    """
    value = compact(text)
    if not value:
        raise FormatError(InputField.MAIL_ADDRESS, FormatProblem.EMPTY)
    if len(value) > _LONGEST_MAIL:
        raise FormatError(InputField.MAIL_ADDRESS, FormatProblem.LENGTH)
    from email_validator import EmailNotValidError, validate_email  # slow to load

    try:
        found = validate_email(
            value,
            strict=True,
            allow_smtputf8=False,
            check_deliverability=False,
            test_environment=True,
        )
    except EmailNotValidError:
        raise FormatError(InputField.MAIL_ADDRESS, FormatProblem.SHAPE) from None
    if "." not in found.ascii_domain:  # "test" alone
        raise FormatError(InputField.MAIL_ADDRESS, FormatProblem.SHAPE)
    return f"{found.ascii_local_part}@{found.ascii_domain}"


def parse_postal_address(text: str) -> str:
    """Parse a postal address: one line, of some length, with words and a number.

    :raises FormatError: if it is not one.
    """
    value = _words(text, InputField.POSTAL_ADDRESS)
    if len(value) not in _ADDRESS_LENGTH:
        raise FormatError(InputField.POSTAL_ADDRESS, FormatProblem.LENGTH)
    if not (any(map(str.isalpha, value)) and any(map(str.isnumeric, value))):
        raise FormatError(InputField.POSTAL_ADDRESS, FormatProblem.SHAPE)
    return value


def parse_name(text: str) -> str:
    """Parse a person's name in any script.

    :raises FormatError: if it is not one.
    """
    value = _words(text, InputField.NAME)
    if len(value) > _LONGEST_NAME:
        raise FormatError(InputField.NAME, FormatProblem.LENGTH)
    if not any(c.isalpha() for c in value) or any(c.isdigit() for c in value):
        raise FormatError(InputField.NAME, FormatProblem.CHARACTERS)
    return value


def _words(text: str, field: InputField) -> str:
    value = single_line(text)
    if not value:
        raise FormatError(field, FormatProblem.EMPTY)
    if has_control_characters(value):
        raise FormatError(field, FormatProblem.CHARACTERS)
    return value
