"""What the search has learnt from the entries, and its file.

The file is made when the package is built (``setup.py``), so that the bot need not learn at every
start. It is used only where it was made from the very entries and the very code that are there.
"""

import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

import locales
from services.faq import training_data
from services.faq.entries import Entries
from services.faq.features import FeatureReader, count_words, folding, split_units
from services.faq.naive_bayes import NaiveBayes
from services.formats import text_cleaning

PATH = Path(__file__).with_name("index.npz")
_FOLDER = Path(__file__).parent
_CODE = (
    *(_FOLDER / f"{name}.py" for name in ("features", "index", "naive_bayes", "spelling")),
    _FOLDER / "training_data.py",
    Path(text_cleaning.__file__),
)
"""The modules that decide what is learnt."""


@dataclass(frozen=True, slots=True)
class SearchIndex:
    """What was learnt from every phrasing in every language.

    :ivar ids: the entries; the model has a class for each, then one for vague complaints, then
        one for each kind of off-topic question.
    :ivar off_topic_kinds: the kinds.
    :ivar words: how often each word occurs.
    :ivar exact_matches: the class of each training text, by its units.
    :ivar fingerprint: hash of what it was learnt from.
    """

    ids: tuple[str, ...]
    off_topic_kinds: tuple[str, ...]
    words: Mapping[str, int]
    model: NaiveBayes
    exact_matches: Mapping[str, int]
    fingerprint: str

    def to_bytes(self) -> bytes:
        """Return the content of an index file."""
        names = {
            "ids": self.ids,
            "off_topic_kinds": self.off_topic_kinds,
            "words": self.words,
            "features": self.model.names,
            "exact_matches": self.exact_matches,
            "fingerprint": self.fingerprint,
        }
        text = json.dumps(names, ensure_ascii=False).encode()
        file = io.BytesIO()
        np.savez(file, names=np.frombuffer(text, np.uint8), weights=self.model.weights)
        return file.getvalue()


def read_index(content: bytes) -> SearchIndex:
    """Read the content of an index file.

    :raises ValueError: where it is none, or broken.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            names: dict[str, Any] = json.loads(arrays["names"].tobytes())
            weights = arrays["weights"]
        model = NaiveBayes(names["features"], weights)
        classes = len(names["ids"]) + 1 + len(names["off_topic_kinds"])
        if weights.dtype != np.float32 or weights.shape != (len(model.names), classes):
            raise ValueError("the weights do not fit the features")
        return SearchIndex(
            ids=tuple(names["ids"]),
            off_topic_kinds=tuple(names["off_topic_kinds"]),
            words=names["words"],
            model=model,
            exact_matches=names["exact_matches"],
            fingerprint=names["fingerprint"],
        )
    except (OSError, BadZipFile, EOFError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not an index: {error}") from error


def load_index(entries: Entries, path: Path = PATH) -> SearchIndex:
    """Return the index of entries: from the file where that is theirs, else learnt now."""
    if path.exists():
        try:
            index = read_index(path.read_bytes())
        except ValueError:
            return learn(entries)
        if index.fingerprint == fingerprint(entries):
            return index
    return learn(entries)


def fingerprint(entries: Entries) -> str:
    """Return the hash of everything that an index is learnt from."""
    parts = [
        *(path.read_bytes() for path in _CODE),
        *(
            path.read_bytes()
            for name in training_data.FILES
            for path in training_data.find_files(name)
        ),
        json.dumps([entries.ids, sorted(folding().items())]).encode(),
        *(json.dumps(row).encode() for row in _texts(entries)),
    ]
    whole = hashlib.sha256()
    for part in parts:
        whole.update(b"%d:" % len(part))
        whole.update(part)
    return whole.hexdigest()


def learn(entries: Entries) -> SearchIndex:
    """Learn from every phrasing in every language."""
    texts, classes = _samples(entries)
    units = [split_units(text) for text in texts]
    openings = [split_units(text) for text in training_data.load_openings()]
    terms = training_data.load_lexicon()
    words = count_words([*units, *openings], terms)
    reader = FeatureReader(words, terms)
    opened = training_data.put_openings_before(units, openings)
    samples = [reader.features(reader.normalise(text)) for text in (*units, *opened)]
    return SearchIndex(
        ids=entries.ids,
        off_topic_kinds=tuple(training_data.load_off_topic_questions()),
        words=words,
        model=NaiveBayes.train(samples, classes * 2, max(classes) + 1),
        exact_matches={" ".join(text): n for text, n in zip(units, classes, strict=True)},
        fingerprint=fingerprint(entries),
    )


def _samples(entries: Entries) -> tuple[list[str], list[int]]:
    """Return the training texts and their classes, as `SearchIndex.ids` orders them."""
    texts: list[str] = []
    classes: list[int] = []
    for number, samples in _texts(entries):
        texts += samples
        classes += [number] * len(samples)
    off_topic = training_data.load_off_topic_questions().values()
    further = (training_data.load_vague_complaints(), *off_topic)
    for number, samples in enumerate(further, len(entries.ids)):
        texts += samples
        classes += [number] * len(samples)
    return texts, classes


def _texts(entries: Entries) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of each entry, with its texts in each language."""
    for number, entry_id in enumerate(entries.ids):
        for language in locales.LANGUAGES:
            if entry := entries.get(entry_id, language):
                yield number, [entry.title, *entry.phrasings]
