"""Compares methods to search the FAQ: finding the right entry, noticing off-topic questions.

    python -m benchmarks.faq_search              the comparison, as the table of docs/search.md
    python -m benchmarks.faq_search --shipped    the shipped search, also on the held-out questions

Every method learns from the same phrasings, titles and background questions. An off-topic
question counts as noticed when the margin of the best entry over the background is below the
threshold that 95 % of the on-topic questions pass. Times are processor time, so that other
programs distort them less.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benchmarks.faq_search_methods import Corpus, Method, Shipped, build_methods
from services.faq.entries import load_entries
from services.faq.search import FaqSearch, SearchResult

QUESTIONS = Path(__file__).parent.parent / "tests" / "faq_questions"
SCRIPTS = ("en", "zh_Hant", "zh_Hans")


def read_questions(name: str) -> list[list[str]]:
    """Return the rows of a question file: id (on-topic files only), script, question."""
    lines = (QUESTIONS / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines[1:]]


def in_hundred(hits: Sequence[bool]) -> str:
    return f"{100 * sum(hits) / len(hits):.1f}"


def measure_method(method: Method, corpus: Corpus) -> list[str]:
    """Return the cells of a method's row: right first / in three per script, noticed, ms."""
    asked = read_questions("dev")
    ask = method.search if isinstance(method, Shipped) else method.scores
    began = time.process_time()
    for _, _, question in asked:
        ask(question)
    milliseconds = 1000 * (time.process_time() - began) / len(asked)
    scored = [method.scores(question) for _, _, question in asked]
    cells = []
    for script in SCRIPTS:
        ranks = [
            np.argsort(-scores[:-1], kind="stable").tolist().index(corpus.ids.index(entry_id))
            for scores, (entry_id, its_script, _) in zip(scored, asked, strict=True)
            if its_script == script
        ]
        cells.append(f"{in_hundred([r < 1 for r in ranks])} / {in_hundred([r < 3 for r in ranks])}")
    leads = [float(scores[:-1].max() - scores[-1]) for scores in scored]
    passing = float(np.quantile(leads, 0.05))
    away = [method.scores(question) for _, question in read_questions("off_topic_dev")]
    noticed = in_hundred([float(scores[:-1].max() - scores[-1]) < passing for scores in away])
    return [*cells, noticed, f"{milliseconds:.2f}"]


def compare_methods() -> None:
    """Print the comparison table."""
    corpus = Corpus(load_entries())
    print("| method | en | zh_Hant | zh_Hans | off-topic noticed | build, s | ms a question |")
    print("|---|---|---|---|---|---|---|")
    for name, build in build_methods(corpus).items():
        began = time.process_time()
        method = build()
        built = time.process_time() - began
        *cells, milliseconds = measure_method(method, corpus)
        print(f"| {name} | {' | '.join(cells)} | {built:.2f} | {milliseconds} |", flush=True)


def report_shipped() -> None:
    """Print the accuracy of the shipped search with the shipped threshold."""
    began = time.process_time()
    search = FaqSearch(load_entries()).search
    built = time.process_time() - began
    print(
        "| questions | script | first | in three | confident | confidently wrong "
        "| off-topic not confident |"
    )
    print("|---|---|---|---|---|---|---|")
    for name in ("dev", "held_out", "fresh"):
        for script in SCRIPTS:
            asked = [(i, search(q)) for i, s, q in read_questions(name) if s == script]
            away = [search(q) for s, q in read_questions(f"off_topic_{name}") if s == script]
            cells = (
                [answer.results[0].id == entry for entry, answer in asked],
                [entry in [hit.id for hit in answer.results] for entry, answer in asked],
                [answer.confident for _, answer in asked],
                [answer.confident and answer.results[0].id != entry for entry, answer in asked],
                [not answer.confident for answer in away],
            )
            print(f"| `{name}` | {script} | {' | '.join(map(in_hundred, cells))} |")
    report_thresholds(search)
    questions = [question for _, _, question in read_questions("dev")]
    began = time.process_time()
    for question in questions:
        search(question)
    spent = (time.process_time() - began) / len(questions)
    print(f"\nbuilt in {built:.2f} s, {1000 * spent:.3f} ms a question")


def report_thresholds(search: Callable[[str], SearchResult]) -> None:
    """Print the effect of thresholds other than one half on the `dev` questions."""
    on = [search(question) for _, _, question in read_questions("dev")]
    off = [search(question) for _, question in read_questions("off_topic_dev")]
    print("\n| confident from a score of | on-topic confident | off-topic not confident |")
    print("|---|---|---|")
    for threshold in (0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9):
        cells = (
            [answer.results[0].score >= threshold for answer in on],
            [not answer.results or answer.results[0].score < threshold for answer in off],
        )
        print(f"| {threshold} | {' | '.join(map(in_hundred, cells))} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--shipped", action="store_true", help="only the shipped search")
    if parser.parse_args().shipped:
        report_shipped()
    else:
        compare_methods()
