"""Vectors of texts, kept in the project: each text is paid for once, whatever becomes of its row.

A table in studio.db and no files beside it: one thing to copy and to back up, one lock, and a vector is there as a
whole or not at all, also after a kill. An answer of the endpoint is one row of the table, its vectors end to end in
half precision: nothing is rewritten, and a hundred thousand vectors are read as some sixteen hundred blobs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import msgspec
import orjson

from studio.errors import ProjectError
from studio.store.database import Database

if TYPE_CHECKING:
    import numpy as np

    Halves: TypeAlias = np.ndarray[Any, np.dtype[np.float16]]

KEY_BYTES = 16

_LITTLE_ENDIAN = "<f2"
_MOST = 1 << 20
"""Vectors in a row of the table, more than any endpoint gives at once."""


class Space(msgspec.Struct, frozen=True):
    """What makes vectors comparable: the model, how many dimensions it was asked for (0: its own), the prefix.

    Not the endpoint: whoever serves a model of this name is taken to serve the same one.
    """

    model: str
    dimensions: int = 0
    prefix: str = ""

    def key(self, text: str) -> bytes:
        """The name of a text's vector: 16 bytes of BLAKE2b over all that decides it.

        Raises UnicodeEncodeError when the text cannot be written as UTF-8 (a lone surrogate).
        """
        text.encode()
        whole = orjson.dumps([self.model, self.dimensions, self.prefix, text])
        return hashlib.blake2b(whole, digest_size=KEY_BYTES).digest()


class Vectors:
    """The vectors of one space in one project database, in half precision and of length one. For one thread at a time.

    Memory: some 200 bytes a vector for where it is, read at the first question.
    """

    def __init__(self, database: Database, space: Space) -> None:
        self.space = space
        self._database = database
        # For each key: the row of the table, and the number of the vector in it.
        self._places: dict[bytes, int] | None = None
        self._id, self._width = self._find()

    @property
    def width(self) -> int:
        """How many numbers a vector has, 0 before there is any."""
        return self._width

    def __len__(self) -> int:
        return len(self._known())

    def __contains__(self, key: object) -> bool:
        return key in self._known()

    def keep(self, keys: Sequence[bytes], vectors: Halves) -> None:
        """Keep the vectors of these keys, which outlive this process when it returns; sync() makes them durable.

        Those that are there already stay as they are. Raises ProjectError for vectors of another width than those
        kept, and when the disk refuses.
        """
        known = self._known()
        fresh = [number for number, key in enumerate(keys) if key not in known]
        if not fresh:
            return
        names = [keys[number] for number in fresh]
        with self._database.transaction(durable=False) as connection:
            space, width = self.space, vectors.shape[1]
            connection.execute(
                "INSERT OR IGNORE INTO spaces (model, dimensions, prefix, width) VALUES (?, ?, ?, ?)",
                (space.model, space.dimensions, space.prefix, width),
            )
            number, before = self._find()
            if width != before:
                raise ProjectError(
                    f"{space.model} gave vectors of {width} dimensions, and those kept have {before}; "
                    "these stay, the new ones are not kept.",
                    hint="Another model answers by that name: give it a name of its own, or ask the one from before.",
                )
            row = connection.execute(
                "INSERT INTO vectors (space, keys, body) VALUES (?, ?, ?)",
                (number, b"".join(names), vectors[fresh].astype(_LITTLE_ENDIAN).tobytes()),
            ).lastrowid
        self._id, self._width = number, width
        for place, name in enumerate(names):
            known.setdefault(name, _place(row or 0, place))

    def sync(self) -> None:
        """Have all that was kept survive a loss of power. Any thread may call it."""
        self._database.sync()

    def read(self, keys: Sequence[bytes]) -> Iterator[tuple[list[int], Halves]]:
        """The vectors of these keys, an answer of the endpoint at a time: their places among the keys, and they.

        In the order they were kept. Keys that are not there are left out. Memory: that of one answer.
        """
        import numpy as np

        wanted: dict[int, list[tuple[int, int]]] = {}
        for place, key in enumerate(keys):
            found = self._known().get(key)
            if found is not None:
                row, number = divmod(found, _MOST)
                wanted.setdefault(row, []).append((place, number))
        for row in sorted(wanted):
            (body,) = self._database.connection.execute("SELECT body FROM vectors WHERE id = ?", (row,)).fetchone()
            vectors = np.frombuffer(body, _LITTLE_ENDIAN).reshape(-1, self._width)
            places, numbers = zip(*wanted[row], strict=True)
            yield list(places), vectors[list(numbers)]

    def matrix(self, keys: Sequence[bytes]) -> Halves:
        """The vectors of these keys as rows, in their order: 2 bytes a number, and one answer of the endpoint.

        Raises KeyError when one is not there.
        """
        import numpy as np

        if missing := [key for key in keys if key not in self]:
            raise KeyError(missing[0])
        whole: Halves = np.empty((len(keys), self._width), np.float16)
        for places, vectors in self.read(keys):
            whole[places] = vectors
        return whole

    def _known(self) -> dict[bytes, int]:
        if self._places is None:
            self._places = {}
            if self._id:
                found = self._database.connection.execute(
                    "SELECT id, keys FROM vectors WHERE space = ? ORDER BY id", (self._id,)
                )
                for row, keys in found:
                    for number, key in enumerate(_split(keys)):
                        self._places.setdefault(key, _place(row, number))
        return self._places

    def _find(self) -> tuple[int, int]:
        space = self.space
        found = self._database.connection.execute(
            "SELECT id, width FROM spaces WHERE model = ? AND dimensions = ? AND prefix = ?",
            (space.model, space.dimensions, space.prefix),
        ).fetchone()
        return (0, 0) if found is None else (int(found[0]), int(found[1]))


class Kept(NamedTuple):
    """What a project holds of one space: so many vectors of so many numbers."""

    space: Space
    width: int
    vectors: int


def kept(database: Database) -> list[Kept]:
    """What the project holds, by model."""
    found = database.connection.execute(
        "SELECT model, dimensions, prefix, width, (SELECT coalesce(sum(length(keys)), 0) FROM vectors "
        "WHERE space = spaces.id) FROM spaces ORDER BY model, dimensions, prefix"
    )
    return [
        Kept(Space(model, dimensions, prefix), width, size // KEY_BYTES)
        for model, dimensions, prefix, width, size in found
    ]


def _split(keys: bytes) -> Iterator[bytes]:
    return (keys[start : start + KEY_BYTES] for start in range(0, len(keys), KEY_BYTES))


def _place(row: int, number: int) -> int:
    return row * _MOST + number
