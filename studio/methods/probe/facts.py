"""Documents about places that do not exist: one holds the answer, the others are like it and do not.

The paper takes Wikipedia passages that a retriever finds for the question. Ours are drawn by seed from the words and
sentences in facts.en.toml and facts.zh.toml, so that no model has met the answer before. What the retriever does there
is done here by likeness: a distractor tells the same of another place, or something else of the same place.
"""

from __future__ import annotations

import random
from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec

from studio.methods.probe.judgement import holds
from studio.text.tokens import Language

MOST_DOCUMENTS = 500
"""More than so many at once would name places twice."""

_YEARS = range(1803, 1990)
_SENTENCES_BESIDE = 2


class Document(msgspec.Struct, frozen=True):
    """A title and a paragraph."""

    title: str
    text: str


class Puzzle(msgspec.Struct, frozen=True):
    """A question, its answer, the document that holds it, and others that do not."""

    question: str
    answer: str
    gold: Document
    others: tuple[Document, ...]


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The lists that names and answers are drawn from; a place is a head and a tail."""

    place_heads: tuple[str, ...]
    place_tails: tuple[str, ...]
    first_names: tuple[str, ...]
    family_names: tuple[str, ...]
    materials: tuple[str, ...]
    animals: tuple[str, ...]


class Fact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something that can be asked of a kind of place; {place} and {answer} are filled in."""

    answer: Literal["person", "year", "material", "animal"]
    question: str
    sentence: str


class Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a document can be about. filler: sentences that answer none of its questions."""

    title: str
    filler: tuple[str, ...]
    facts: tuple[Fact, ...]


class Lore(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that is told, in one language."""

    words: Words
    kinds: tuple[Kind, ...]


@cache
def lore(language: Language) -> Lore:
    """What documents in a language are made of, read once a process."""
    text = files("studio.methods.probe").joinpath(f"facts.{language}.toml").read_text("utf-8")
    return msgspec.toml.decode(text, type=Lore)


def draw(language: Language, luck: random.Random, size: int) -> Puzzle:
    """A puzzle of `size` documents. Its answer stands in one of them only. size: 2 to MOST_DOCUMENTS."""
    told, drawing = lore(language), _Drawing(language, luck)
    kind = luck.choice(told.kinds)
    fact = luck.choice(kind.facts)
    place, answer = drawing.place(), drawing.word(fact)
    question = fact.question.replace("{place}", place)
    gold = drawing.document(kind, fact, place, answer)
    same_place = luck.sample([other for other in told.kinds if other is not kind], k=len(told.kinds) - 1)
    others: list[Document] = []
    while len(others) < size - 1:
        if same_place and len(others) % 2:
            about, asked, where = same_place[-1], luck.choice(same_place[-1].facts), place
        else:
            about, asked, where = kind, fact, drawing.place()
        document = drawing.document(about, asked, where, drawing.word(asked))
        if holds(f"{document.title} {document.text}", answer):
            continue
        if about is not kind:
            same_place.pop()
        others.append(document)
    luck.shuffle(others)
    return Puzzle(question, answer, gold, tuple(others))


class _Drawing:
    """Draws from one language's words, no place twice."""

    def __init__(self, language: Language, luck: random.Random) -> None:
        self._lore = lore(language)
        self._luck = luck
        # First and family name, as the language orders and joins them.
        self._name = "{first} {family}" if language == "en" else "{family}{first}"
        self._join = " " if language == "en" else ""
        self._places: set[str] = set()

    def place(self) -> str:
        words = self._lore.words
        while (found := self._luck.choice(words.place_heads) + self._luck.choice(words.place_tails)) in self._places:
            pass
        self._places.add(found)
        return found

    def word(self, fact: Fact) -> str:
        """An answer for a fact."""
        words, luck = self._lore.words, self._luck
        match fact.answer:
            case "person":
                first, family = luck.choice(words.first_names), luck.choice(words.family_names)
                return self._name.format(first=first, family=family)
            case "year":
                return str(luck.choice(_YEARS))
            case "material":
                return luck.choice(words.materials)
            case "animal":
                return luck.choice(words.animals)

    def document(self, kind: Kind, fact: Fact, place: str, answer: str) -> Document:
        sentences = self._luck.sample(kind.filler, _SENTENCES_BESIDE)
        told = fact.sentence.replace("{place}", place).replace("{answer}", answer)
        sentences.insert(self._luck.randint(0, _SENTENCES_BESIDE), told)
        return Document(kind.title.replace("{place}", place), self._join.join(sentences))
