"""The search methods that ``faq_search.py`` compares, trained on the same corpus."""

import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from itertools import chain, pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

import locales
from services.faq.entries import Entries, load_entries
from services.faq.features import FeatureReader, count_words, fold, split_units, stem
from services.faq.naive_bayes import NaiveBayes
from services.faq.search import FaqSearch, SearchResult
from services.faq.training_data import load_lexicon, load_off_topic_questions

Scores = NDArray[np.float64]


class Corpus:
    """The training data of every method: texts, and the number of the entry of each."""

    def __init__(self, entries: Entries) -> None:
        self.ids = entries.ids
        rows = [
            (text, number)
            for number, entry_id in enumerate(self.ids)
            for language in locales.LANGUAGES
            if (entry := entries.get(entry_id, language))
            for text in (entry.title, *entry.phrasings)
        ]
        off_topic = chain.from_iterable(load_off_topic_questions().values())
        rows += [(text, len(self.ids)) for text in off_topic]
        self.texts = [text for text, _ in rows]
        self.classes = np.array([number for _, number in rows])
        self.count = len(self.ids) + 1


class Method(Protocol):
    """Scores a question against every entry and, last, the background."""

    def scores(self, question: str) -> Scores: ...


class FullTextIndex:
    """SQLite FTS5 with one row per phrasing; the score of an entry is that of its best row."""

    def __init__(self, corpus: Corpus, tokenizer: str, terms: Callable[[str], list[str]]) -> None:
        self._terms, self._count = terms, corpus.count
        self._database = sqlite3.connect(":memory:")
        columns = f"text, entry UNINDEXED, tokenize='{tokenizer}'"
        self._database.execute(f"CREATE VIRTUAL TABLE phrasing USING fts5({columns})")
        rows = zip(corpus.texts, corpus.classes.tolist(), strict=True)
        self._database.executemany("INSERT INTO phrasing VALUES (?, ?)", rows)

    def scores(self, question: str) -> Scores:
        scores = np.zeros(self._count)
        terms = self._terms(question)
        if terms:
            query = " OR ".join(f'"{term}"' for term in terms)
            for entry, rank in self._database.execute(
                "SELECT entry, rank FROM phrasing WHERE phrasing MATCH ? ORDER BY rank LIMIT 200",
                (query,),
            ):
                scores[entry] = max(scores[entry], -rank)
        return scores


class Postings:
    """An inverted index with term weights; the score of an entry is that of its best text."""

    def __init__(self, corpus: Corpus, terms: Callable[[str], list[str]], bm25: bool) -> None:
        self._terms = terms
        self._starts = np.searchsorted(corpus.classes, np.arange(corpus.count))
        texts = [Counter(terms(text)) for text in corpus.texts]
        self._size = len(texts)
        frequency = Counter(term for text in texts for term in text)
        self._idf = {term: np.log(1 + self._size / n) for term, n in frequency.items()}
        weigh = self._bm25(texts) if bm25 else self._cosine
        postings: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
        for number, text in enumerate(texts):
            for term, weight in weigh(text).items():
                postings[term].append((number, weight))
        self._postings = {
            term: (np.array([n for n, _ in found]), np.array([w for _, w in found]))
            for term, found in postings.items()
        }

    def _bm25(self, texts: list[Counter[str]]) -> Callable[[Counter[str]], dict[str, float]]:
        average = sum(text.total() for text in texts) / len(texts)

        def weigh(text: Counter[str]) -> dict[str, float]:
            norm = 1.2 * (0.25 + 0.75 * text.total() / average)
            return {term: self._idf[term] * n * 2.2 / (n + norm) for term, n in text.items()}

        return weigh

    def _cosine(self, text: Counter[str]) -> dict[str, float]:
        weights = {term: self._idf[term] * n for term, n in text.items()}
        length = sum(weight**2 for weight in weights.values()) ** 0.5
        return {term: weight * self._idf[term] / length for term, weight in weights.items()}

    def scores(self, question: str) -> Scores:
        total = np.zeros(self._size)
        for term in set(self._terms(question)):
            if term in self._postings:
                numbers, weights = self._postings[term]
                total[numbers] += weights
        best: Scores = np.maximum.reduceat(total, self._starts)
        return best


class Ridge:
    """A linear model fitted by least squares (conjugate gradients) on the shipped features."""

    def __init__(self, corpus: Corpus) -> None:
        units = [split_units(text) for text in corpus.texts]
        terms = load_lexicon()
        self._reader = FeatureReader(count_words(units, terms), terms)
        samples = [self._reader.features(self._reader.normalise(text)) for text in units]
        frequency = Counter(feature for sample in samples for feature in sample)
        kept = [feature for feature, n in frequency.items() if n > 1]
        self._rows = {feature: row for row, feature in enumerate(kept)}
        known = [[self._rows[f] for f in sample if f in self._rows] for sample in samples]
        self._sample = np.repeat(np.arange(len(known)), [len(rows) for rows in known])
        self._column = np.array([row for rows in known for row in rows])
        lengths = np.bincount(self._sample, minlength=len(known))
        self._value = (1 / np.sqrt(np.maximum(lengths, 1)))[self._sample][:, None]
        targets = np.eye(corpus.count)[corpus.classes]
        self._weights = self._fit(targets - targets.mean(axis=0))

    def _forward(self, weights: Scores, size: int) -> Scores:
        return _sum_by(self._sample, self._value * weights[self._column], size)

    def _backward(self, residual: Scores) -> Scores:
        return _sum_by(self._column, self._value * residual[self._sample], len(self._rows))

    def _fit(self, targets: Scores, steps: int = 15) -> Scores:
        weights = np.zeros((len(self._rows), targets.shape[1]))
        residual = self._backward(targets)
        direction, norm = residual.copy(), (residual**2).sum(axis=0)
        for _ in range(steps):
            product = self._backward(self._forward(direction, len(targets))) + direction
            step = norm / (direction * product).sum(axis=0)
            weights += direction * step
            residual -= product * step
            direction, norm = (
                residual + direction * ((residual**2).sum(axis=0) / norm),
                (residual**2).sum(axis=0),
            )
        return weights

    def scores(self, question: str) -> Scores:
        features = self._reader.features(self._reader.normalise(split_units(question)))
        rows = [self._rows[feature] for feature in features if feature in self._rows]
        total: Scores = self._weights[np.array(rows, dtype=np.intp)].sum(axis=0)
        total /= max(len(rows), 1) ** 0.5
        return total


class Bayes:
    """Naive Bayes over any features; the margin is divided by the square root of their number."""

    def __init__(self, corpus: Corpus, features: Callable[[str], Iterable[str]]) -> None:
        self._features = features
        samples = [set(features(text)) for text in corpus.texts]
        self._model = NaiveBayes.train(samples, corpus.classes.tolist(), corpus.count)

    def scores(self, question: str) -> Scores:
        features = set(self._features(question))
        scores = self._model.scores(features).astype(np.float64)
        scores /= (len(features) + 1) ** 0.5
        return scores


class Shipped:
    """The shipped search, with the scores of all entries."""

    def __init__(self, corpus: Corpus) -> None:
        self._search = FaqSearch(load_entries())
        self._number = {entry_id: number for number, entry_id in enumerate(corpus.ids)}

    def scores(self, question: str) -> Scores:
        scores = np.zeros(len(self._number) + 1)
        for place, hit in enumerate(self._search.search(question, len(self._number)).results):
            scores[self._number[hit.id]] = hit.score - place * 1e-9  # scores are rounded
        return scores

    def search(self, question: str) -> SearchResult:
        return self._search.search(question)


def _sum_by(keys: NDArray[np.int64], values: Scores, size: int) -> Scores:
    """Sum the rows of `values` that share a key."""
    order = np.argsort(keys, kind="stable")
    present, starts = np.unique(keys[order], return_index=True)
    total = np.zeros((size, values.shape[1]))
    total[present] = np.add.reduceat(values[order], starts)
    return total


def words(text: str) -> list[str]:
    """Return the words as the default tokeniser splits them: a run of Han text is one word."""
    return re.findall(r"\w+", text.lower())


def trigrams(text: str) -> list[str]:
    plain = re.sub(r'["\s]+', " ", text.lower())
    return [plain[i : i + 3] for i in range(len(plain) - 2)]


def words_and_bigrams(text: str) -> list[str]:
    units = stems(text)
    pairs = [a + b for a, b in pairwise(units) if not a.isascii()]
    return [unit for unit in units if unit.isascii()] + pairs


def ngrams(text: str) -> list[str]:
    plain = f" {re.sub(r'[^0-9a-z一-鿿]+', ' ', fold(text)).strip()} "
    return [plain[i : i + n] for n in (1, 2, 3, 4) for i in range(len(plain) - n + 1)]


def stems(text: str) -> list[str]:
    return [stem(unit) for unit in split_units(text)]


def stems_and_neighbours(text: str) -> list[str]:
    units = stems(text)
    return units + [f"{a} {b}" for a, b in pairwise(units)]


def build_methods(corpus: Corpus) -> dict[str, Callable[[], Method]]:
    """Return the name of each method, and how to build it."""

    def without_ideas() -> Method:
        units = [split_units(text) for text in corpus.texts]
        reader = FeatureReader(count_words(units, {}), {})
        return Bayes(corpus, lambda text: reader.features(reader.normalise(split_units(text))))

    return {
        "SQLite FTS5, `unicode61` as shipped": lambda: FullTextIndex(corpus, "unicode61", words),
        "SQLite FTS5, `trigram`": lambda: FullTextIndex(corpus, "trigram", trigrams),
        "BM25, words + Chinese bigrams": lambda: Postings(corpus, words_and_bigrams, bm25=True),
        "nearest phrasing, character n-grams": lambda: Postings(corpus, ngrams, bm25=False),
        "naive Bayes, units": lambda: Bayes(corpus, stems),
        "naive Bayes, + neighbours": lambda: Bayes(corpus, stems_and_neighbours),
        "naive Bayes, + spelling": without_ideas,
        "ridge regression, all features": lambda: Ridge(corpus),
        "**naive Bayes, + ideas (shipped)**": lambda: Shipped(corpus),
    }
