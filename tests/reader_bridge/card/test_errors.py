"""The errors' codes: what the other end and the catalogue know them by."""

from reader_bridge.card.errors import CardError, PinOperationRefusedError, ReaderError
from reader_bridge.protocol.enums import ProfileName


def subclasses(of: type[CardError]) -> list[type[CardError]]:
    below = of.__subclasses__()
    return [*below, *(deeper for error in below for deeper in subclasses(error))]


def test_every_error_has_a_code_of_its_own() -> None:
    codes = [error.code for error in subclasses(CardError) if error is not ReaderError]
    assert len(codes) == len(set(codes)) > 20
    assert CardError.code not in codes
    assert all(code.replace("_", "").isalpha() and code.islower() for code in codes)


def test_values_are_kept_and_words_are_not() -> None:
    error = PinOperationRefusedError(ProfileName.MOICA, "verify_pin")
    assert vars(error) == {"profile": ProfileName.MOICA, "operation": "verify_pin"}
