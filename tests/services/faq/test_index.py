"""The index of the search: its file, and that it is never that of other entries."""

import io
import json
import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from services.faq import index as index_module
from services.faq import training_data
from services.faq.entries import Entries
from services.faq.index import SearchIndex, fingerprint, learn, load_index, read_index
from services.faq.naive_bayes import NaiveBayes
from services.faq.search import FaqSearch
from tests.services.faq.conftest import questions


@pytest.fixture(scope="module")
def index(entries: Entries) -> SearchIndex:
    return learn(entries)


@pytest.fixture
def file(index: SearchIndex, tmp_path: Path) -> Path:
    path = tmp_path / "index.npz"
    path.write_bytes(index.to_bytes())
    return path


@pytest.fixture
def learnt(monkeypatch: pytest.MonkeyPatch, index: SearchIndex) -> list[Entries]:
    """Whatever is learnt again."""
    asked: list[Entries] = []

    def note(entries: Entries) -> SearchIndex:
        asked.append(entries)
        return index

    monkeypatch.setattr(index_module, "learn", note)
    return asked


def changed(entries: Entries, phrasing: str) -> Entries:
    """The entries with one more phrasing."""
    entry = entries.all("en")[0]
    others = {(each.id, lang): each for lang in ("en", "zh_Hant") for each in entries.all(lang)}
    longer = replace(entry, phrasings=(*entry.phrasings, phrasing))
    return Entries({**others, (entry.id, "en"): longer})


def test_what_was_read_answers_like_what_was_learnt(
    entries: Entries, search: FaqSearch, file: Path
) -> None:
    read = FaqSearch(entries, read_index(file.read_bytes()))
    for _, _, question in questions("dev"):
        assert read.search(question, 50) == search.search(question, 50)


def test_the_file_spares_the_learning(entries: Entries, file: Path, learnt: list[Entries]) -> None:
    load_index(entries, file)
    assert learnt == []


def test_the_file_of_other_entries_is_not_used(
    entries: Entries, file: Path, learnt: list[Entries]
) -> None:
    other = changed(entries, "an entirely new phrasing")
    load_index(other, file)
    assert learnt == [other]


@pytest.mark.parametrize("name", training_data.FILES)
def test_a_change_of_what_is_learnt_besides_changes_the_fingerprint(
    entries: Entries, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    before = fingerprint(entries)
    (own,) = training_data.find_files(name)
    further = tmp_path / name
    further.write_bytes(own.read_bytes() + b"\n")
    find = training_data.find_files
    monkeypatch.setattr(
        training_data, "find_files", lambda each: [further] if each == name else find(each)
    )
    assert fingerprint(entries) != before


def test_a_change_of_the_code_changes_the_fingerprint(
    entries: Entries, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = fingerprint(entries)
    for number, path in enumerate(index_module._CODE):
        other = tmp_path / path.name
        shutil.copy(path, other)
        with other.open("a") as written:
            written.write("#")
        code = (*index_module._CODE[:number], other, *index_module._CODE[number + 1 :])
        with monkeypatch.context() as patch:
            patch.setattr(index_module, "_CODE", code)
            assert fingerprint(entries) != before
    assert fingerprint(entries) == before


def pickled() -> bytes:
    """An index whose array would run code while it is read."""
    file = io.BytesIO()
    np.savez(file, names=np.array([print], dtype=object), weights=np.zeros((1, 1), np.float32))
    return file.getvalue()


def short(index: SearchIndex) -> bytes:
    """An index that lacks a class."""
    model = NaiveBayes(index.model.names, index.model.weights[:, 1:])
    return replace(index, model=model).to_bytes()


@pytest.mark.parametrize(
    "kind", ["empty", "text", "half", "pickle", "pickled array", "one class less"]
)
def test_a_broken_file_is_not_used(
    entries: Entries, index: SearchIndex, file: Path, learnt: list[Entries], kind: str
) -> None:
    whole = file.read_bytes()
    content = {
        "empty": b"",
        "text": json.dumps({"ids": []}).encode(),
        "half": whole[: len(whole) // 2],
        "pickle": pickle.dumps({"names": "x"}),
        "pickled array": pickled(),
        "one class less": short(index),
    }[kind]
    file.write_bytes(content)
    with pytest.raises(ValueError, match="not an index"):
        read_index(content)
    load_index(entries, file)
    assert learnt == [entries]


def test_without_a_file_it_is_learnt(
    entries: Entries, tmp_path: Path, learnt: list[Entries]
) -> None:
    load_index(entries, tmp_path / "none.npz")
    assert learnt == [entries]
