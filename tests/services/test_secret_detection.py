"""What is detected as a secret, and what only looks like one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.secret_detection import SecretDetector, SecretShape

ERROR_CODES = {"1979711501", "76000006", "2201", "164"}
WORDS = ["certificate", "HiCOS", "activate", "password", "TWFidO", "hello"]


@pytest.fixture(scope="module")
def shapes() -> SecretDetector:
    return SecretDetector(WORDS, lambda token: token in ERROR_CODES)


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("A800000014", SecretShape.UI_NUMBER),
        ("a800000014 is mine", SecretShape.UI_NUMBER),
        ("Ａ８００００００１４", SecretShape.UI_NUMBER),
        ("A8 0000 0014", SecretShape.UI_NUMBER),
        ("我的統一證號AA00000009，對嗎", SecretShape.UI_NUMBER),
        ("A123456789", SecretShape.UI_NUMBER),
        ("GP12345678901234", SecretShape.CARD_NUMBER),
        ("gp 1234-5678-9012-34", SecretShape.CARD_NUMBER),
        ("4242 4242 4242 4242", SecretShape.PAYMENT_CARD),
        ("4242 4242 4242 4241", None),
        ("aB3dE9xZ", SecretShape.CODE_OR_PIN),
        ("「K7m2Qp9x」", SecretShape.CODE_OR_PIN),
        ("kTmQzRwp", SecretShape.CODE_OR_PIN),
        ("123456", SecretShape.CODE_OR_PIN),
        ("１２３４５６", SecretShape.CODE_OR_PIN),
        ("hello12", SecretShape.CODE_OR_PIN),
        ("here it is\n482913", SecretShape.CODE_OR_PIN),
        ("my pin is 123456", SecretShape.CODE_OR_PIN),
        ("我的PIN是 123456", SecretShape.CODE_OR_PIN),
        ("pin=87654321", SecretShape.CODE_OR_PIN),
        ("用户代码：Xy7kkm2p", SecretShape.CODE_OR_PIN),
        ("my code aB3dE9xZ does not work", SecretShape.CODE_OR_PIN),
        ("code is wrong three times abcdef99", SecretShape.CODE_OR_PIN),
    ],
)
def test_secrets(shapes: SecretDetector, text: str, shape: SecretShape | None) -> None:
    assert shapes.find(text) == shape


@pytest.mark.parametrize(
    "text",
    [
        "",
        "activate",
        "password",
        "windows10",
        "HiCOS",
        "OpenSSL",
        "JavaScript",
        "iPhone15",
        "0x76000006",
        "76000006",
        "0x12345678",
        "1979711501",
        "-2147483646",
        "2201",
        "278",
        "NT$278",
        "0800080117",
        "0800-080-117",
        "cse@moica.nat.gov.tw",
        "2023-01-02",
        "https://moica.nat.gov.tw/other/faq_in_14fa7182ff60000038ff.html",
        "error code 81000299",
        "錯誤代碼 12345678",
        "PIN碼 locked",
        "用戶代碼 6-10 碼",
        "I applied 2026-11-01",
        "申請了20天",
        "how to retrieve code",
        "my PIN number is what",
        "EZ100PU reader",
        "wifi password help",
        "@kaika_demo_bot",
        "/language",
    ],
)
def test_no_secrets(shapes: SecretDetector, text: str) -> None:
    assert shapes.find(text) is None


@given(st.text(max_size=300))
def test_any_text_is_judged(text: str) -> None:
    SecretDetector(WORDS, lambda _: False).find(text)


@given(st.from_regex(r"[A-HJ-NP-Za-km-z2-9]{8}", fullmatch=True))
def test_every_code_we_would_generate_is_noticed(code: str) -> None:
    mixed = any(c.isdigit() for c in code) and any(c.isalpha() for c in code)
    if mixed:
        assert SecretDetector(WORDS, lambda _: False).find(code) == SecretShape.CODE_OR_PIN
