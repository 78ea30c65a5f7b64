"""Names, e-mail addresses and postal addresses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.formats.contact import parse_mail_address, parse_name, parse_postal_address
from services.formats.errors import FormatError, FormatProblem


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        (" nguyen@mail.example ", "nguyen@mail.example"),
        ("First.Last+tag@Mail.Example", "First.Last+tag@mail.example"),
        ("ｎｇｕｙｅｎ＠mail.example", "nguyen@mail.example"),
        ("someone@例子.example", "someone@xn--fsqu00a.example"),
    ],
)
def test_mail_addresses_are_read(typed: str, address: str) -> None:
    assert parse_mail_address(typed) == address


@pytest.mark.parametrize(
    "typed",
    [
        "", "nobody", "@mail.example", "a@b", "a@test", "a@-b.example", "a@b..example",
        "a@b@c.example", "a b@", "a..b@mail.example", ".a@mail.example", "a@1.2.3.4",
        "Name <a@mail.example>", "a@mail.example,b@mail.example", "a" * 65 + "@mail.example",
        "a@" + "b" * 250 + ".example",
    ],
)  # fmt: skip
def test_other_text_is_no_mail_address(typed: str) -> None:
    with pytest.raises(FormatError):
        parse_mail_address(typed)


@given(st.text(max_size=40))
def test_no_mail_address_can_smuggle_a_header(text: str) -> None:
    try:
        address = parse_mail_address(f"{text}@mail.example")
    except FormatError:
        return
    assert address.isascii()
    assert not set(address) & set('\r\n\t ,;<>"')


@pytest.mark.parametrize(
    "typed",
    [
        "臺北市中正區忠孝東路一段1號",
        "No. 1, Sec. 1,  Zhongxiao E. Rd.",
        "花蓮縣花蓮市中山路一段二號",
    ],
)
def test_postal_addresses_are_read(typed: str) -> None:
    assert parse_postal_address(typed) == " ".join(typed.split())


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", FormatProblem.EMPTY),
        ("台北", FormatProblem.LENGTH),
        ("x1" * 150, FormatProblem.LENGTH),
        ("1234567890", FormatProblem.SHAPE),
        ("somewhere over there", FormatProblem.SHAPE),
        ("No. 1\x00 Sec. 1 Road", FormatProblem.CHARACTERS),
    ],
)
def test_other_postal_addresses_are_refused(typed: str, reason: FormatProblem) -> None:
    with pytest.raises(FormatError) as refused:
        parse_postal_address(typed)
    assert refused.value.reason is reason


@pytest.mark.parametrize(
    "typed", ["Nguyễn Văn An", "O'Brien-Smith, Mary", "王小明", "  Dewi   Sari "]
)
def test_names_in_any_script_are_read(typed: str) -> None:
    assert parse_name(typed) == " ".join(typed.split())


@pytest.mark.parametrize("typed", ["", "12345", "A" * 65, "Mary 2", "Ma\u202ery", "---"])
def test_other_text_is_no_name(typed: str) -> None:
    with pytest.raises(FormatError):
        parse_name(typed)
