"""What is detected as a secret, and what only looks like one."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.secret_detection import SecretDetector, SecretShape

ERROR_CODES = {"1979711501", "76000006", "2201", "164"}
WORDS = ["certificate", "HiCOS", "activate", "password", "TWFidO", "hello"]

CODE = SecretShape.CODE_OR_PIN
TABLE = Path(__file__).with_name("secrets.tsv")


def table() -> list[tuple[SecretShape | None, str]]:
    """What is a secret, with its shape, and what is none."""
    rows = [line.split("\t") for line in TABLE.read_text(encoding="utf-8").splitlines()[1:]]
    return [(None if shape == "none" else SecretShape(shape), text) for shape, text in rows]


@pytest.fixture(scope="module")
def shapes() -> SecretDetector:
    return SecretDetector(WORDS, lambda token: token in ERROR_CODES)


@pytest.mark.parametrize(("shape", "text"), table())
def test_the_table_of_what_is_a_secret_and_what_is_not(
    shapes: SecretDetector, shape: SecretShape | None, text: str
) -> None:
    assert shapes.find(text) == shape


def test_a_secret_in_a_line_of_its_own_is_one(shapes: SecretDetector) -> None:
    assert shapes.find("here it is\n482913") == SecretShape.CODE_OR_PIN


@pytest.mark.parametrize("text", [text for shape, text in table() if shape is None])
def test_what_is_no_secret_stays_none_with_a_name_in_front(
    shapes: SecretDetector, text: str
) -> None:
    for name in ("Hello, I am Maria Santos. ", "我是 David Chen，", "ACR39U ", "Win11pro: "):
        assert shapes.find(name + text) is None


@pytest.mark.parametrize(
    ("shape", "text"), [(shape, text) for shape, text in table() if shape not in (None, CODE)]
)
def test_a_number_is_a_secret_whatever_stands_in_front(
    shapes: SecretDetector, shape: SecretShape, text: str
) -> None:
    for name in ("ACR39U ", "Win11pro, ", "我是 David Chen，"):
        assert shapes.find(name + text) == shape


@given(st.text(max_size=300))
def test_any_text_is_judged(text: str) -> None:
    SecretDetector(WORDS, lambda _: False).find(text)


@given(st.from_regex(r"[A-HJ-NP-Za-km-z2-9]{8}", fullmatch=True))
def test_every_code_we_would_generate_is_noticed(code: str) -> None:
    mixed = any(c.isdigit() for c in code) and any(c.isalpha() for c in code)
    if mixed:
        assert SecretDetector(WORDS, lambda _: False).find(code) == SecretShape.CODE_OR_PIN
