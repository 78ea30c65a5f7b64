"""Which language a text is in, whether it is spoken here or not."""

import pytest

from services.language_detection import UNDETERMINED, detect_language
from tests.services.faq.conftest import questions

TEXTS = {
    "en": (
        "forgot pin",
        "card lost",
        "ARC",
        "123",
        "where is 取回用戶代碼",
        "acr39u not working",
        "My name is Nguyễn Văn An, how do I activate my card",
        "My name is สมชาย and I want to know where I can pay the fee",
    ),
    "zh_Hant": ("PIN碼 locked", "我の卡不見了", "憑證卡", "我的卡掉了 help me"),
    "th": ("ลืม PIN", "บัตร MOICA หาย"),
    "ja": ("PINがロックされました", "カードをなくしました", "暗証番号を忘れた"),
    "ko": ("카드를 잃어버렸어요", "PIN 번호를 잊어버렸어요"),
    "vi": ("tôi bị mất thẻ", "toi bi mat the thi lam sao", "quên mã PIN"),
    "id": ("kartu saya hilang", "lupa PIN", "di mana saya bisa mendaftar"),
    "tl": ("nawala ang card ko", "paano mag activate ng card", "nakalimutan ko ang PIN ko"),
    "my": ("ကဒ်ပျောက်",),
    "ru": ("PIN забыл",),
    UNDETERMINED: ("j'ai perdu ma carte", "ich habe meine PIN vergessen", "perdí mi tarjeta"),
}


@pytest.mark.parametrize(
    ("language", "text"), [(name, t) for name, all_ in TEXTS.items() for t in all_]
)
def test_languages_are_told_apart(language: str, text: str) -> None:
    assert detect_language(text) == language


@pytest.mark.parametrize("name", ["dev", "held_out", "off_topic_dev", "off_topic_held_out"])
def test_questions_in_the_languages_spoken_are_not_taken_for_others(name: str) -> None:
    others = [
        row[-1] for row in questions(name) if detect_language(row[-1]) not in ("en", "zh_Hant")
    ]
    assert others == []


@pytest.mark.parametrize("text", ["", " ", "😀", "\u0e31", "\ud800", "\uffff", "の", "é" * 5000])
def test_any_text_has_a_language(text: str) -> None:
    assert detect_language(text)
