"""The texts of questions: one page for each, shared by terminal and window."""

from dataclasses import dataclass

from locales.card_profiles import CARD_PROFILE_TEXTS
from reader_bridge.app.translation import N_, localise, mask_card_number, sanitise
from reader_bridge.app.typing_buffer import TypingBuffer
from reader_bridge.card.profiles.base import PinRules
from reader_bridge.prompter import (
    CardChoice,
    CardLabel,
    CardOption,
    ConsentRequest,
    PairingPeer,
    PairingProblem,
    PinFault,
    PinKind,
    PinRequest,
    ProxyLoginRequest,
    WordChoice,
)
from reader_bridge.protocol import Operation, PairingWord, PairRefusal, PinPurpose


@dataclass(frozen=True, slots=True)
class PromptFact:
    """Something the person compares.

    :ivar note: about the value, such as that nobody checked it.
    """

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class PromptPage:
    """A question with everything shown beside it.

    :ivar problem: why it is asked again.
    :ivar words: the two words of a pairing.
    :ivar warning: to be read before the answer is given.
    """

    title: str
    text: str
    yes: str
    no: str
    problem: str = ""
    facts: tuple[PromptFact, ...] = ()
    words: tuple[PairingWord, PairingWord] | None = None
    warning: str = ""


def plain_text(page: PromptPage) -> str:
    """Return all that a page shows below its title, as a screen reader says it."""
    facts = [f"{fact.label}: {fact.value}. {fact.note}".rstrip() for fact in page.facts]
    words = pair_of_words(page.words) if page.words else ""
    parts = (page.problem, page.text, words, *facts, page.warning)
    return "\n".join(part for part in parts if part)


MAX_CODE_LENGTH = 32
"""Characters that an input field takes, with the spaces and dashes people type."""

_CODE_PROBLEMS = {
    None: N_("A pairing code has 8 or 10 letters and digits. Look at the chat again."),
    PairRefusal.WRONG_CODE: N_("This code was not right. Look at the chat again."),
    PairRefusal.TOO_MANY_TRIES: N_("Too many wrong codes. Please wait a while."),
    PairRefusal.EXPIRED: N_("This code is too old. Ask in the chat for a new one."),
}

_OPERATION_TEXTS = {
    Operation.CHANGE_PIN: (
        N_("Change the PIN of this card?"),
        N_("You type the PIN you have now, then twice the new one. Nobody else sees them."),
    ),
    Operation.PROVE_POSSESSION: (
        N_("Show that you have this card?"),
        N_("You type your PIN, and the card signs one statement for this server, nothing else."),
    ),
}
_SET_PIN_TEXTS = {
    PinPurpose.ACTIVATE: (
        N_("Activate this card?"),
        N_("You choose the card's first PIN here. The server agrees to it and never sees it."),
    ),
    PinPurpose.UNLOCK: (
        N_("Unlock this card?"),
        N_("You choose a new PIN here. The server agrees to it and never sees it."),
    ),
}
_CHECK_PURPOSE_TITLES = {
    PinPurpose.ACTIVATE: N_("Find out whether the activation worked?"),
    PinPurpose.UNLOCK: N_("Find out whether unlocking worked?"),
}
_READING_TEXTS = (
    N_("Let the chat look at your card?"),
    N_(
        "It sees the reader's name, the kind of card, its number, how many PIN attempts are "
        "left and the certificate. No PIN is needed. Your yes holds until the pairing ends."
    ),
)

_PIN_TITLES = {
    PinKind.CURRENT: N_("Type the PIN of your card"),
    PinKind.NEW: N_("Choose a new PIN"),
    PinKind.PUK: N_("Type the PUK of your card"),
}
FIELD_LABELS = {
    PinKind.CURRENT: N_("PIN:"),
    PinKind.NEW: N_("New PIN:"),
    PinKind.PUK: N_("PUK:"),
}
REPEAT_LABEL = N_("New PIN again:")
PINS_DIFFER = N_("The two new PINs were different. Please type both again.")
SWITCH_KEYBOARD = N_("Please switch the keyboard to English letters.")
_WRONG_TEXTS = {
    PinKind.CURRENT: N_("The PIN was wrong."),
    PinKind.NEW: N_("The card did not take this PIN. Please choose another one."),
    PinKind.PUK: N_("The PUK was wrong."),
}


USER_NAME_LABEL = N_("User name:")
PASSWORD_LABEL = N_("Password:")
MAX_USER_NAME_LENGTH = 128


def proxy_login_page(request: ProxyLoginRequest, language: str) -> PromptPage:
    """Return the request for name and password at a proxy."""
    return PromptPage(
        title=localise(language, "Sign in to your network's proxy"),
        text=localise(
            language,
            "The way to the server leads through {proxy}, which wants to know who you are. It is "
            "the sign-in of your office or school, not of Kaika or your card. It is kept until "
            "you close this app.",
            proxy=sanitise(request.proxy),
        ),
        yes=localise(language, "Continue"),
        no=localise(language, "Close"),
        problem=localise(language, "The proxy did not accept this name and password.")
        if request.is_refused
        else "",
        warning=localise(language, "Never type a PIN here."),
    )


def pairing_code_page(problem: PairingProblem | None, language: str) -> PromptPage:
    """Return the question for the code that the chat shows."""
    return PromptPage(
        title=localise(language, "Pairing code"),
        text=localise(language, "Kaika shows it in your Telegram chat, for five minutes."),
        yes=localise(language, "Continue"),
        no=localise(language, "Close"),
        problem=_code_problem_text(problem, language) if problem else "",
        warning=localise(
            language,
            "Type a code only if you started this in your own Telegram. Whoever gives you a code "
            "on the phone, by mail or in another chat wants to use your card.",
        ),
    )


def _code_problem_text(problem: PairingProblem, language: str) -> str:
    parts = [localise(language, _CODE_PROBLEMS[problem.reason])]
    if problem.tries_left is not None:
        parts.append(localise(language, "Attempts left: {count}.", count=problem.tries_left))
    if problem.wait_seconds:
        minutes = -(-problem.wait_seconds // 60)
        wait = N_("Wait about {minutes} min., then have the chat show a new code.")
        parts.append(localise(language, wait, minutes=minutes))
    return " ".join(parts)


def comparison_page(peer: PairingPeer, language: str) -> PromptPage:
    """Return the question whether host, name and words are right."""
    return PromptPage(
        title=localise(language, "Compare with your Telegram"),
        text=localise(language, "Your chat shows two words. Are they these two, in this order?"),
        yes=localise(language, "They match"),
        no=localise(language, "They differ"),
        facts=_peer_facts(peer, language),
        words=peer.words,
        warning=localise(
            language, "Say yes only if you started this in your own Telegram, and all is the same."
        ),
    )


def word_choice_page(choice: WordChoice, language: str) -> PromptPage:
    """Return the question which pair of words the chat shows."""
    return PromptPage(
        title=localise(language, "Which two words does your chat show?"),
        text=localise(
            language,
            "A link brought the code. Look at your own Telegram and choose the two words that it "
            "shows, in this order.",
        ),
        yes="",
        no=localise(language, "None of these"),
        facts=_peer_facts(choice.peer, language),
        warning=localise(
            language,
            "If you did not just press a button in your own Telegram, choose “None of these”: then "
            "a web page has opened this.",
        ),
    )


def card_choice_page(choice: CardChoice, language: str) -> PromptPage:
    """Return the question which of several cards is meant."""
    return PromptPage(
        title=localise(language, "Which card do you want to use?"),
        text=localise(
            language,
            "There are several cards in the readers. Choose the one your chat is about; the others "
            "are left alone.",
        ),
        yes="",
        no=localise(language, "None of these"),
        facts=_peer_facts(choice.peer, language),
    )


def card_option_text(option: CardOption, language: str) -> str:
    """Return a card and its reader on one line."""
    kind = localise(language, CARD_PROFILE_TEXTS[option.card.profile].name)
    return localise(language, "{card} in {reader}", card=kind, reader=sanitise(option.reader))


def pair_of_words(pair: tuple[PairingWord, PairingWord]) -> str:
    """Return a pair of words in both languages."""
    first, second = pair
    return f"{first.english} {second.english} · {first.chinese} {second.chinese}"


def consent_page(request: ConsentRequest, language: str) -> PromptPage:
    """Return the question whether an operation is wanted."""
    title, text = _consent_texts(request)
    return PromptPage(
        title=localise(language, title),
        text=localise(language, text),
        yes=localise(language, "Allow"),
        no=localise(language, "Refuse"),
        facts=(
            *_peer_facts(request.peer, language),
            *_card_facts(request.card, language),
            *_reader_facts(request.reader, language),
        ),
        warning=localise(language, "If you did not start this in your Telegram, refuse."),
    )


def _consent_texts(request: ConsentRequest) -> tuple[str, str]:
    if request.for_session:
        return _READING_TEXTS
    if request.operation is Operation.SET_PIN:
        return _SET_PIN_TEXTS[request.purpose or PinPurpose.UNLOCK]
    title, text = _OPERATION_TEXTS.get(request.operation, _READING_TEXTS)
    if request.operation is Operation.PROVE_POSSESSION and request.purpose:
        return _CHECK_PURPOSE_TITLES[request.purpose], text
    return title, text


def pin_page(request: PinRequest, language: str) -> PromptPage:
    """Return the request for a PIN or PUK."""
    return PromptPage(
        title=localise(language, _PIN_TITLES[request.kind]),
        text=pin_rules_text(request.rules, language, new=request.kind is PinKind.NEW),
        yes=localise(language, "Continue"),
        no=localise(language, "Cancel"),
        problem=_pin_problem_text(request, language),
        facts=(*_card_facts(request.card, language), *_tries_facts(request, language)),
        warning=_last_try_text(request, language) if request.last_try else "",
    )


def last_try_page(request: PinRequest, language: str) -> PromptPage:
    """Return the question whether the last try may be spent."""
    return PromptPage(
        title=localise(language, "This is the last try"),
        text=_last_try_text(request, language),
        yes=localise(language, "I am sure of it"),
        no=localise(language, "Stop here"),
        problem=_pin_problem_text(request, language),
        facts=_card_facts(request.card, language),
    )


def pin_rules_text(allowed: PinRules, language: str, *, new: bool) -> str:
    """Return what a PIN of the card has to look like."""
    values = {"shortest": allowed.min_length, "longest": allowed.max_length}
    if allowed.digits_only:
        return localise(language, "{shortest} to {longest} digits.", **values)
    if new:
        return localise(
            language,
            "{shortest} to {longest} letters and digits, best mixed, no spaces; capitals matter.",
            **values,
        )
    return localise(language, "{shortest} to {longest} characters; capitals matter.", **values)


def pin_entry_problem(typed: TypingBuffer, request: PinRequest, language: str) -> str | None:
    """Return why an entry cannot be a PIN of the card; `None` where it can.

    A new PIN has letters and digits only (docs/facts.md §1.4), so that the official page takes it
    too.
    """
    if typed.has_non_ascii:
        return localise(language, SWITCH_KEYBOARD)
    new = request.kind is PinKind.NEW
    if not typed.fits(request.rules, alphanumeric=new):
        said = pin_rules_text(request.rules, language, new=new)
        return localise(language, "It has to be: {rule} The card has not seen it.", rule=said)
    return None


def _last_try_text(request: PinRequest, language: str) -> str:
    if request.kind is PinKind.PUK:
        return localise(
            language,
            "If this PUK is wrong, the card can never be unlocked again and has to be replaced. "
            "Stop if you are not sure.",
        )
    if request.tries_left is None:
        return localise(
            language,
            "This card does not say how many attempts are left, so this could be the last one. "
            "If the PIN is wrong, the card may be locked.",
        )
    return localise(
        language,
        "If this PIN is wrong, the card is locked. Stop if you are not sure: you can set a new "
        "PIN from the chat.",
    )


def _pin_problem_text(request: PinRequest, language: str) -> str:
    if request.fault is PinFault.WRONG:
        return localise(language, _WRONG_TEXTS[request.kind])
    if request.fault is PinFault.FORMAT:
        return localise(language, "That cannot be right for this card. The card has not seen it.")
    return ""


def _tries_facts(request: PinRequest, language: str) -> tuple[PromptFact, ...]:
    if request.kind is PinKind.NEW or request.tries_left is None:
        return ()
    label = localise(language, "Attempts left")
    if request.limit is None:
        return (PromptFact(label, str(request.tries_left)),)
    shown = localise(language, "{left} of {limit}", left=request.tries_left, limit=request.limit)
    return (PromptFact(label, shown),)


def _peer_facts(peer: PairingPeer, language: str) -> tuple[PromptFact, ...]:
    return (
        PromptFact(localise(language, "Server"), sanitise(peer.host)),
        PromptFact(
            localise(language, "Telegram name"),
            sanitise(peer.telegram_name),
            localise(language, "not checked: anybody can use any name"),
        ),
    )


def _card_facts(card: CardLabel | None, language: str) -> tuple[PromptFact, ...]:
    if card is None:
        return ()
    kind = localise(language, CARD_PROFILE_TEXTS[card.profile].name)
    number = mask_card_number(card.card_number) if card.card_number else ""
    return (PromptFact(localise(language, "Card"), f"{number} {kind}".strip()),)


def _reader_facts(reader: str | None, language: str) -> tuple[PromptFact, ...]:
    return (PromptFact(localise(language, "Card reader"), sanitise(reader)),) if reader else ()
