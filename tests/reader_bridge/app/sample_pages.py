"""Every page of the app with sample content, for tests and screenshots."""

from functools import partial

from reader_bridge.app import prompt_texts
from reader_bridge.app.translation import localise
from reader_bridge.app.window.question import (
    LineQuestion,
    PassphraseQuestion,
    PinQuestion,
    ProxyLoginQuestion,
    Question,
    address_page,
    card_question,
    passphrase_page,
    word_question,
)
from reader_bridge.app.window.thread_bridge import QuestionFactory
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
from reader_bridge.protocol import PAIRING_WORDS, Operation, PairRefusal, PinPurpose, ProfileName
from tests import phrases

PEER = PairingPeer("kaika.example", "Maria Santos", (PAIRING_WORDS[3], PAIRING_WORDS[40]))
WORDS = WordChoice(
    PEER,
    (
        *tuple((PAIRING_WORDS[n], PAIRING_WORDS[200 - n]) for n in range(3)),
        PEER.words,
        *tuple((PAIRING_WORDS[100 + n], PAIRING_WORDS[60 + n]) for n in range(2)),
    ),
)
CARD = CardLabel(ProfileName.GIDS, "GP00000000123456")
READER = "ACS ACR39U ICC Reader 00 00"
CARDS = CardChoice(
    Operation.CHANGE_PIN,
    PEER,
    (CardOption(READER, CARD), CardOption("Yubico YubiKey 01 00", CardLabel(ProfileName.PIV))),
)
NEW = PinRequest(PinKind.NEW, Operation.SET_PIN, CARD, PinRules(6, 8))
CURRENT = PinRequest(PinKind.CURRENT, Operation.CHANGE_PIN, CARD, PinRules(6, 8), 2, 3)
LAST = PinRequest(
    PinKind.CURRENT, Operation.CHANGE_PIN, CARD, PinRules(6, 8), 1, 3, PinFault.WRONG, True
)
PUK = PinRequest(PinKind.PUK, Operation.SET_PIN, CARD, PinRules(6, 8, True), None, None)
UNLOCK = ConsentRequest(Operation.SET_PIN, PEER, PinPurpose.UNLOCK, READER, CARD)
READING = ConsentRequest(Operation.CARD_STATUS, PEER, for_session=True)


def code(problem: PairingProblem | None = None) -> QuestionFactory:
    return lambda language: LineQuestion(
        prompt_texts.pairing_code_page(problem, language),
        language,
        localise(language, phrases.CODE_LABEL),
        32,
    )


PAGES: dict[str, QuestionFactory] = {
    "code": code(),
    "wrong code": code(PairingProblem(PairRefusal.TOO_MANY_TRIES, 0, 900)),
    "compare": lambda language: Question(prompt_texts.comparison_page(PEER, language), language),
    "words": partial(word_question, WORDS),
    "cards": partial(card_question, CARDS),
    "consent": lambda language: Question(prompt_texts.consent_page(UNLOCK, language), language),
    "reading": lambda language: Question(prompt_texts.consent_page(READING, language), language),
    "current pin": lambda language: PinQuestion(CURRENT, language),
    "new pin": lambda language: PinQuestion(NEW, language),
    "puk": lambda language: PinQuestion(PUK, language),
    "last try": lambda language: Question(prompt_texts.last_try_page(LAST, language), language),
    "address": lambda language: LineQuestion(
        address_page("", language), language, localise(language, "Address:"), 512
    ),
    "proxy": lambda language: ProxyLoginQuestion(
        ProxyLoginRequest("proxy.example:3128", is_refused=True), language
    ),
    "passphrase": lambda language: PassphraseQuestion(
        passphrase_page("", language), language, localise(language, "Passphrase:")
    ),
}
