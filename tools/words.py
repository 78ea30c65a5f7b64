"""Checks the words that people read: ``python -m tools.words``.

Held are the catalogues, the FAQ, the error codes and the documents: one term for one thing, no old
or translated words, messages that fit a phone, buttons that can be read whole, facts by their
names, and every message in every language. What still breaks a rule stands in
`tools/words_allowed.txt`, a file and a rule on each line; whoever corrects the last text of a line
takes the line out.
"""

import ast
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Final

from babel.messages.pofile import read_po

import locales
from handlers.faq.answers import answer_text
from locales import facts
from locales.pictures import load_picture_texts
from services.faq.canned import FOLDER, load_canned_answers
from services.faq.entries import Entry, Mode, load_entries

ROOT = Path(__file__).parent.parent
CATALOGUES = ("kaika", "bridge", "authority")
FILLED_IN = ("kaika", "authority")
"""The catalogues whose messages are filled in with facts; the app on the PC has no YAML."""
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "docs/**/*.md")
"""Their English is held by the rules that begin with *old*."""
ALLOWED = Path(__file__).with_name("words_allowed.txt")

ENGLISH: Final[Mapping[str, str]] = {
    "old: again": r"\banew\b",
    "old: fix, correct": r"\bmend(s|ed|ing)?\b",
    "old: right away, at the same time": r"\bat once\b",
    "old: no longer": r"\bany more\b",
    "old: permanently, for good": r"\bfor ever\b",
    "old: valid until": r"\bgood until\b|\bis good for (\w+ )?(minutes|hours|days|one)\b",
    "old: no one else": r"\bwho else\b|\bnot even we\b",
    "keep it safe": r"\bkeep it well\b",
    "timed out": r"\brested\b",
    "OK": r"\b(all|is|are|now) in order\b",
    "do you want to": r"\bshall (I|we)\b|\bdo you find it\b",
    "problem": r"\bthe trouble\b",
    "did not use up an attempt": r"\b(nothing|not|is) (was )?counted\b",
    "we tell you, you get": r"\b(be|is|are) told\b",
    "guide": r"\bleads? (me|you) through\b",
    "continue": r"\bgo(es)? on\b",
    "instead": r"\brather\b(?! than)",
    "if you can't find it": r"\bgone for sure\b",
    "status": r"\bwhere (it|the \w+) stands\b|\bwhere does it stand\b|\bwhere things stand\b",
    "no changes were made": r"\bnothing (else )?was changed\b|\bas it was\b",
    "your data is safe": r"\bnothing is lost\b",
    "UI No.": r"\bID number\b",
    "one-time code": r"\bone-time (mail|password)\b",
    "unlock": r"\bdecod(e|es|ed|ing)\b",
    "verify your identity": r"\bwho are you\b",
    "reactivate": r"\bresum(e|es|ed|ing|ption)\b",
    "attempt": r"\b(wrong|more|PIN) tries\b|\btries (left|are|is|back)\b",
    "certificate process": r"\bCertificate Operations\b",
    "not confirmed": r"\bwe (have )?found (no|nowhere)\b|\bfound nowhere\b",
    "may differ": r"\bpages for citizens\b",
}
"""What to write instead → what is not written."""
CHINESE: Final[Mapping[str, str]] = {
    "用戶代碼": r"(?<!用戶)(?<!錯誤)代碼",
    "PIN碼": r"(?<=[\u4e00-\u9fff，。：；、（）>]) PIN碼|PIN 碼",
    "讀卡機": "讀卡器",
    "操作指引": "操作引導",
    "我們絕不會索取": "沒有人需要您的",
    "不受影響": "沒有任何損失|不會有任何損失",
    "未變更任何資料": "什麼都沒有變動|沒有任何變[更動]",
    "不計入錯誤次數": "計次",
    "私人聊天室": "私下辦",
    "目前無法處理": "看不懂(圖|檔)|我[看聽]不懂",
    "已達上限": "夠多了",
    "錯誤、失敗": "不被接受",
    "驗證身分": "您是哪位|證明這是誰",
    "尚未確認": "我們(都)?沒有找到|找不到官方說明",
    "可能不同": "國民版網頁",
}
RULES: Final = {"en": ENGLISH, "zh_Hant": CHINESE}
MESSAGE: Final[Mapping[str, int]] = {"en": 350, "zh_Hant": 160}
PAGE: Final[Mapping[str, int]] = {"en": 640, "zh_Hant": 310}
"""Characters of a message, and of one that somebody asked for, or that has commands to copy."""
ANSWER: Final[Mapping[str, int]] = {"en": 600, "zh_Hant": 300}
"""Characters of what an answer of the FAQ shows first, with its title."""
PAGES: Final = (
    "🔎 <b>Card check result</b>",
    "<b>Welcome to Kaika",
    "<b>What I can do</b>",
    "💬 <b>What I store about you",
    "1. Install Python",
    "Install it: sudo",
    "No window can be opened here",
)
"""How the pages begin."""
LABEL: Final[Mapping[str, int]] = {"en": 24, "zh_Hant": 12}
"""Characters of a button, after its sign and without what is filled in."""
BUTTONS: Final = re.compile(r"(?:[Bb]utton|ButtonTransition|Conversation|Verification|_row)$")
"""The names of calls whose short texts are labels of buttons."""
LABELS: Final = re.compile(r"(?:^|_)(?:label|title)$", re.IGNORECASE)
"""The names of arguments and constants that are labels of buttons, in any call."""
_NOT_BUTTONS: Final = frozenset({"send_invoice"})
_VERBS = """
Activate Ask Cancel Change Check Choose Connect Continue Copy Correct Delete Disconnect Don't
Erase Get Hide Keep Notify Open Pay Reactivate Release Remind Reopen Resend Resolve Revoke See Send
Show Start Stop Suspend Take Try Turn Type Unlock Use
"""
VERBS: Final = frozenset(_VERBS.split())
_ANSWERS = """
I I'm I've Yes No Not It It's That's Maybe Something Today Tomorrow Yesterday Activated Expired
Forgotten Found New Paid Resolved Revoked Suspended Unpaid Valid
"""
ANSWERS: Final = frozenset(_ANSWERS.split())
"""How the answer to a question begins: what is so, or when."""
CHOICES: Final = frozenset(
    {
        *("A week ago", "All OK", "Already activated", "Application status", "Card status"),
        *("Card is activated", "Card doesn't work", "Card payment declined", "PIN"),
        *("Code or UI No. wrong", "The 15 days are over", "The code is locked"),
        *("The new PIN is set", "PC can't read the card", "PIN locked/forgotten"),
        *("PIN wrong or locked", "Subscriber code", "Card lost"),
        *("Back", "Back to this step", "All topics", "All questions", "English", "In English"),
        *("Step-by-step guides", "Chinese sentence", "Official page", "Short answer", "More"),
    }
)
"""What a person names in answer to a question, and places to go to; all else begins with a verb."""
_TAG = re.compile(r"</?[a-z-]+[^>]*>")
_PLACEHOLDER = re.compile(r"\{\w+\}")
_HOSTS = (".gov.tw",)
_SIGN = re.compile(r"^(?:ℹ️|[^\w(「“]+) ")
_COMMENT = re.compile(r"^ *# .*$", re.MULTILINE)
_QUOTED = re.compile(
    r"```.*?```|`[^`]*`|\]\([^)]*\)|<code>.*?</code>|“[^”]*”|「[^」]*」", re.DOTALL
)


@dataclass(frozen=True, order=True)
class Violation:
    """A text that breaks a rule."""

    file: str
    rule: str
    text: str

    @property
    def key(self) -> str:
        """What allows it for the time being."""
        return f"{self.file}: {self.rule}"


def find_words(text: str, language: str) -> Iterator[str]:
    """Return the rules of a language that a text breaks."""
    for rule, pattern in _PATTERNS.get(language, {}).items():
        if pattern.search(text):
            yield rule


def find_lengths(original: str, text: str, language: str) -> Iterator[str]:
    """Return a rule where a message is too long."""
    text = facts.fill_in(text, language)
    limits = PAGE if original.startswith(PAGES) else MESSAGE
    limit = limits.get(language, limits[locales.DEFAULT])
    if len(_TAG.sub("", text)) > limit:
        yield f"at most {limit} characters"


def find_facts(text: str, language: str) -> Iterator[str]:
    """Return a rule for every fact that a text spells out, also in the address of a link."""
    spelled = dict(facts.find_spelled_out(text, language))
    for name, fact in facts.load_facts().items():
        value = fact.values[language]
        if value.endswith(_HOSTS) and value in text:
            spelled.setdefault(value, name)
    for value, name in spelled.items():
        yield f"a fact by its name, {{{name}}}" if name else f"a fact of its own, {value}"


def find_long_labels(original: str, translations: Mapping[str, str]) -> Iterator[str]:
    """Return a rule for every language in which a button is too long."""
    for language, label in {"en": original, **translations}.items():
        text = facts.fill_in(label, language)
        limit = LABEL.get(language, LABEL[locales.DEFAULT])
        if len(_SIGN.sub("", _PLACEHOLDER.sub("", text)).strip()) > limit:
            yield f"a button has at most {limit} characters"


def find_long_answers(entry: Entry) -> Iterator[str]:
    """Return a rule where what an entry shows first is too long in a mode."""
    limit = ANSWER.get(entry.language, ANSWER[locales.DEFAULT])
    for mode in Mode:
        if len(unescape(_TAG.sub("", answer_text(entry, mode)))) > limit:
            yield f"the answer has at most {limit} characters"


def read_labels() -> set[str]:
    """Return the texts of all buttons."""
    rooms = [path for room in ("bot", "handlers") for path in (ROOT / room).rglob("*.py")]
    return set().union(*(find_labels(path.read_text(encoding="utf-8")) for path in rooms))


def find_labels(source: str) -> set[str]:
    """Return the texts of buttons in Python code."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        for text in _label_expressions(node):
            if isinstance(text, ast.Call) and _name(text) in {"N_", "label"}:
                found |= _strings(text.args)
    return {text for text in found if "\n" not in text and not text.endswith((".", "?", "</b>"))}


def find_missing_verbs(label: str) -> Iterator[str]:
    """Return a rule where the label of a button begins with something else than a verb."""
    text = _SIGN.sub("", facts.fill_in(label, "en")).strip()
    first = text.split()[0].rstrip(",:") if text else ""
    is_filled_in = first.startswith(("{", "#{"))
    if not is_filled_in and first not in VERBS | ANSWERS and text not in CHOICES:
        yield "a button begins with a verb"


def _label_expressions(node: ast.AST) -> Iterator[ast.expr]:
    """Return what is, or may be, the text of a button."""
    if isinstance(node, ast.Call) and _name(node) not in _NOT_BUTTONS:
        is_button = BUTTONS.search(_name(node))
        yield from node.args if is_button else ()
        for keyword in node.keywords:
            if is_button or LABELS.search(keyword.arg or ""):
                yield keyword.value
    elif isinstance(node, ast.Assign) and LABELS.search(ast.unparse(node.targets[0])):
        yield node.value


def find_violations() -> list[Violation]:
    """Return every text that breaks a rule, allowed or not."""
    return sorted({*_catalogues(), *_faq(), *_pictures(), *_documents()})


def read_allowed() -> list[str]:
    """Return what is allowed for the time being."""
    return ALLOWED.read_text(encoding="utf-8").splitlines()


def main() -> int:
    """Print what breaks a rule and is not allowed, and what is allowed for nothing."""
    violations, allowed = find_violations(), read_allowed()
    for violation in violations:
        if violation.key not in allowed:
            sys.stdout.write(f"{violation.key}: {violation.text!r}\n")
    stale = set(allowed) - {violation.key for violation in violations}
    for line in sorted(stale):
        sys.stdout.write(f"{ALLOWED.relative_to(ROOT)}: not needed: {line}\n")
    return 1 if stale or {violation.key for violation in violations} - set(allowed) else 0


def _catalogues() -> Iterator[Violation]:
    labels = read_labels()
    for domain in CATALOGUES:
        for language in (each for each in locales.LANGUAGES if each != locales.DEFAULT):
            path = locales.ROOT / language / "LC_MESSAGES" / f"{domain}.po"
            with path.open("rb") as file:
                messages = {str(m.id): str(m.string) for m in read_po(file) if m.id}
            for original, text in messages.items():
                for rule in _message_rules(original, text, language):
                    yield Violation(path.name, rule, original)
                if domain in FILLED_IN:
                    for rule in (*find_facts(original, "en"), *find_facts(text, language)):
                        yield Violation(path.name, rule, original)
                if domain == "kaika" and original in labels:
                    for rule in find_long_labels(original, {language: text}):
                        yield Violation(path.name, rule, original)
                    for rule in find_missing_verbs(original):
                        yield Violation(path.name, rule, original)


def _message_rules(original: str, text: str, language: str) -> Iterator[str]:
    if not text:
        yield f"not in {language}"
    for each, words in (("en", original), (language, text)):
        yield from find_words(words, each)
        yield from find_lengths(original, words, each)


def _faq() -> Iterator[Violation]:
    for language in locales.LANGUAGES:
        folder = locales.ROOT / language
        answers = [
            path for name in ("faq", FOLDER) for path in sorted((folder / name).glob("*.md"))
        ]
        for path in (*answers, folder / "error_codes.yaml"):
            text = path.read_text(encoding="utf-8")
            is_entry = path.suffix == ".md"
            body = text.split("\n---\n", 1)[-1] if is_entry else _COMMENT.sub("", text)
            rules = [*find_words(_QUOTED.sub(" ", body), language)]
            if not is_entry:  # the others are checked by `kaika faq check`
                rules += find_facts(body, language)
            for rule in rules:
                yield Violation(f"{language}/{path.name}", rule, path.stem)
        for entry in load_entries().all(language):
            for rule in find_long_answers(entry):
                yield Violation(f"{language}/{entry.id}.md", rule, entry.id)
    for answer in load_canned_answers().values():
        for rule in find_lengths("", answer.text, answer.language):
            yield Violation(f"{answer.language}/{answer.id}.md", rule, answer.id)


def _pictures() -> Iterator[Violation]:
    for language in locales.LANGUAGES:
        for name, texts in load_picture_texts(language).items():
            rules = [
                *find_lengths(texts.caption, texts.caption, language),
                *find_long_labels(texts.button, {language: texts.button}),
                *(
                    rule
                    for text in (texts.caption, texts.button, *texts.drawn.values())
                    for rule in find_words(text, language)
                ),
            ]
            for rule in rules:
                yield Violation(f"{language}/pictures.yaml", rule, name)


def _documents() -> Iterator[Violation]:
    for pattern in DOCUMENTS:
        for path in sorted(ROOT.glob(pattern)):
            text = _QUOTED.sub(" ", path.read_text(encoding="utf-8"))
            for rule in find_words(text, "en"):
                if rule.startswith("old"):
                    yield Violation(str(path.relative_to(ROOT)), rule, path.stem)


def _name(call: ast.Call) -> str:
    """Return the name of what is called, also of a method."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _strings(arguments: Sequence[ast.expr]) -> set[str]:
    return {
        each.value
        for each in arguments
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    }


_PATTERNS: Final = {
    language: {rule: re.compile(pattern, re.IGNORECASE) for rule, pattern in rules.items()}
    for language, rules in RULES.items()
}


if __name__ == "__main__":
    raise SystemExit(main())
