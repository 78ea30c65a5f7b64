"""The messages of a run: distinct questions that the FAQ answers, spread over the chats.

They are the questions of ``tests/faq_questions/dev.tsv`` in polite variations, kept where the
search is confident. The expected reply is computed with the search and the entry's view
directly.
"""

import csv
from collections import defaultdict
from itertools import product
from random import Random

from benchmarks.processes import ROOT
from benchmarks.reply_check import ExpectedReply
from handlers.faq import answers
from services.faq import entries, error_codes
from services.faq.entries import Mode
from services.faq.search import FaqSearch

CHATS = 200
_FIRST_CHAT = 500_001
_AFFIXES = {
    "en": (("", "hi, ", "please, ", "excuse me, ", "hello! "), ("", " thanks", " please", " ??")),
    "zh_Hant": (("", "請問", "您好，", "不好意思，", "嗨，"), ("", "謝謝", "～", "，麻煩了")),
    "zh_Hans": (("", "请问", "您好，", "不好意思，", "嗨，"), ("", "谢谢", "～", "，麻烦了")),
}


def draw_messages(count: int) -> list[ExpectedReply]:
    """Return `count` messages over all chats, in random order."""
    dice = Random(1)  # the same messages in every run
    pools = _pools()
    for texts in pools.values():
        dice.shuffle(texts)
    turns = [_FIRST_CHAT + n % CHATS for n in range(count)]
    dice.shuffle(turns)
    wanted: dict[int, list[str]] = {}
    asked = []
    for chat in turns:
        if chat not in wanted:
            wanted[chat] = sorted(pools)
            dice.shuffle(wanted[chat])
        reply = next(reply for reply in wanted[chat] if pools[reply])
        wanted[chat].remove(reply)
        asked.append(ExpectedReply(chat, pools[reply].pop(), reply))
    return asked


def on_topic_questions() -> list[str]:
    """Return the questions of the file."""
    return [row["question"] for row in _read("dev.tsv")]


def off_topic_questions() -> list[str]:
    """Return questions that the FAQ does not answer."""
    return [row["question"] for row in _read("off_topic_dev.tsv")]


def _read(name: str) -> list[dict[str, str]]:
    with (ROOT / "tests" / "faq_questions" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def _variations() -> list[str]:
    texts = [
        before + row["question"] + after
        for row in _read("dev.tsv")
        for before, after in product(*_AFFIXES[row["script"]])
    ]
    return list(dict.fromkeys(texts))


def _pools() -> dict[str, list[str]]:
    """Return the questions for each reply."""
    known = entries.load_entries()
    search = FaqSearch(known)
    pools: dict[str, list[str]] = defaultdict(list)
    for text in _variations():
        found = search.search(text, 3)
        if not found.confident or not found.results or error_codes.find_codes(text):
            continue
        entry = known.get(found.results[0].id, found.language)
        if entry:
            title = answers.answer_text(entry, Mode.GUIDE).partition("\n")[0]
            pools[title].append(text)
    return pools
