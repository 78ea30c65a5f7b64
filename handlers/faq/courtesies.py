"""Small words of people: a greeting is greeted, thanks are taken, and neither is a question."""

from handlers.faq import answers
from handlers.screen.text import label, say
from handlers.screen.view import View, button, view

GREETINGS = frozenset({
    "hi", "hello", "hello there", "hi there", "hey", "good morning", "good afternoon",
    "good evening",
    "你好", "您好", "妳好", "哈囉", "哈啰", "嗨", "嘿", "早", "早安", "午安", "晚安", "安安",
    "有人嗎", "有人吗", "在嗎", "在吗",
})  # fmt: skip
THANKS = frozenset({
    "thanks", "thank you", "thank you so much", "thank you very much", "thanks a lot",
    "many thanks", "thx", "ok", "okay", "ok thanks", "ok thank you", "great", "great thanks",
    "good", "perfect", "i see", "got it", "bye", "goodbye",
    "謝謝", "谢谢", "謝謝你", "谢谢你", "謝謝您", "谢谢您", "多謝", "多谢", "感謝", "感谢", "感恩",
    "謝啦", "謝了", "好", "好的", "好喔", "好哦", "了解", "瞭解", "知道了", "我知道了", "收到",
    "明白", "明白了", "再見", "掰掰", "拜拜",
})  # fmt: skip
_SMILES = " 👍🙏👌❤️😊🎉"
_LONGEST = 24
_DROPPED = str.maketrans(dict.fromkeys("。！!．.,，～~、", " "))


def reply_to_courtesy(text: str, language: str) -> View | None:
    """Give what is said to small words; `None` where they are a question."""
    if len(text) > _LONGEST:
        return None
    words = " ".join(text.translate(_DROPPED).casefold().split())
    if words in GREETINGS:
        hello = say(language, "👋 Hello! <b>Just type your question</b>, or choose.")
        guides = button(label(language, "🧭 Guides, step by step"), "guides", language)
        return view(hello, [guides], [answers.triage_button(language)], answers.more_row(language))
    if words in THANKS or (words and not words.strip(_SMILES)):
        here = say(language, "👍 I am here whenever you need me. Just type your question.")
        return view(here, answers.more_row(language))
    return None
