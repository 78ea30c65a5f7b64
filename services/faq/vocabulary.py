"""The words of the FAQ, which are no secrets."""

import re

import locales
from services.faq import error_codes
from services.faq.entries import Entries
from services.secret_detection import SecretDetector

_LATIN_WORD = re.compile(r"[A-Za-z]{2,}")


def make_secret_detector(shipped: Entries) -> SecretDetector:
    """Return the detector that takes no word of the entries for a secret.

    :param shipped: the entries as the files have them: no edit decides what is a secret.
    """
    texts = (
        text
        for language in locales.LANGUAGES
        for entry in shipped.all(language)
        for text in (entry.title, entry.body, *entry.phrasings)
    )
    words = {word for text in texts for word in _LATIN_WORD.findall(text)}
    return SecretDetector(words, error_codes.contains_code)
