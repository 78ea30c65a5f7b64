"""The errors' codes: what the other end and the catalogue know them by."""

from reader_bridge.card.errors import CardError, PinOperationRefusedError, ReaderError


def subclasses(of: type[CardError]) -> list[type[CardError]]:
    below = of.__subclasses__()
    return [*below, *(deeper for error in below for deeper in subclasses(error))]


def test_every_error_has_a_code_of_its_own() -> None:
    codes = [error.code for error in subclasses(CardError) if error is not ReaderError]
    assert len(codes) == len(set(codes)) > 20
    assert CardError.code not in codes
    assert all(code.replace("_", "").isalpha() and code.islower() for code in codes)


def test_values_are_kept_and_words_are_not() -> None:
    error = PinOperationRefusedError("moica", "verify_pin")
    assert vars(error) == {"profile": "moica", "operation": "verify_pin"}
