"""The database's schema as numbered steps. A step that has been released never changes again.

A step is a SQL text, or a function of the connection that runs in the transaction it finds.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import TypeAlias

Migration: TypeAlias = str | Callable[[sqlite3.Connection], None]

# rows holds what seldom changes (wide), state what often does (narrow): a status change of
# 100,000 rows takes 0.1 s there and 1.6 s in one wide table. type, status and verdict are indexes
# into ROW_TYPES (alpaca/rows.py), STATUSES (rows.py) and VERDICTS (pairs.py).
_001_SPINE = """
  CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;
  CREATE TABLE sources (
    id INTEGER PRIMARY KEY, path TEXT NOT NULL, imported_at TEXT NOT NULL, note TEXT NOT NULL,
    finished INTEGER NOT NULL DEFAULT 0);
  CREATE TABLE runs (
    id INTEGER PRIMARY KEY, method TEXT NOT NULL, key TEXT NOT NULL UNIQUE,
    settings TEXT NOT NULL, started_at TEXT NOT NULL);
  CREATE TABLE rows (
    id INTEGER PRIMARY KEY, body BLOB NOT NULL,
    source INTEGER, number INTEGER, offset INTEGER, extras BLOB,
    run INTEGER, parent INTEGER, root INTEGER, round INTEGER, operation TEXT, replies TEXT);
  CREATE UNIQUE INDEX rows_by_attempt ON rows (run, round, root) WHERE run IS NOT NULL;
  CREATE INDEX rows_by_parent ON rows (parent) WHERE parent IS NOT NULL;
  CREATE INDEX rows_by_root ON rows (root) WHERE root IS NOT NULL;
  CREATE TABLE state (
    id INTEGER PRIMARY KEY, type INTEGER NOT NULL, status INTEGER NOT NULL,
    seed INTEGER NOT NULL, generated INTEGER NOT NULL,
    rule TEXT, evidence TEXT, gold INTEGER);
  CREATE INDEX state_generated ON state (id) WHERE generated = 1;
  CREATE INDEX state_seed ON state (id) WHERE seed = 1;
  CREATE INDEX state_rejected ON state (id) WHERE status = 2;
  CREATE TABLE counts (
    type INTEGER, status INTEGER, seed INTEGER, generated INTEGER, n INTEGER NOT NULL,
    PRIMARY KEY (type, status, seed, generated)) WITHOUT ROWID;
  CREATE TABLE groups (
    id INTEGER PRIMARY KEY, command TEXT NOT NULL, summary TEXT NOT NULL, at TEXT NOT NULL,
    inverts INTEGER);
  CREATE TABLE journal (
    id INTEGER PRIMARY KEY, grp INTEGER NOT NULL, target TEXT NOT NULL,
    first INTEGER NOT NULL, last INTEGER NOT NULL, before BLOB NOT NULL, after BLOB NOT NULL);
  CREATE INDEX journal_by_group ON journal (grp);
  CREATE TABLE undo_stack (position INTEGER PRIMARY KEY, grp INTEGER NOT NULL);
  CREATE TABLE redo_stack (position INTEGER PRIMARY KEY, grp INTEGER NOT NULL);
  CREATE TABLE replies (key TEXT PRIMARY KEY, request BLOB NOT NULL, reply BLOB NOT NULL, at TEXT NOT NULL);
  CREATE TABLE pairs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, first INTEGER NOT NULL, second INTEGER NOT NULL,
    score REAL NOT NULL, verdict INTEGER NOT NULL DEFAULT 0, UNIQUE (first, second));
"""

# tags: a JSON list, waived: a JSON object of issue code and reason; both NULL where there is none.
_002_OPINIONS = """
  ALTER TABLE state ADD COLUMN tags TEXT;
  ALTER TABLE state ADD COLUMN score REAL;
  ALTER TABLE state ADD COLUMN waived TEXT;
  CREATE INDEX state_tagged ON state (id) WHERE tags IS NOT NULL;
"""

# recipes: every set of settings a run went by, so that settings changed while it ran go on with the same run.
# variant: 0 for a row of the plan, 1 and more for rows made beside it when the person asked again.
_003_LINEAGE = """
  CREATE TABLE recipes (
    digest TEXT PRIMARY KEY, run INTEGER NOT NULL, settings TEXT NOT NULL, at TEXT NOT NULL) WITHOUT ROWID;
  INSERT INTO recipes SELECT key, id, settings, started_at FROM runs;
  ALTER TABLE rows ADD COLUMN variant INTEGER NOT NULL DEFAULT 0;
  DROP INDEX rows_by_attempt;
  CREATE UNIQUE INDEX rows_by_attempt ON rows (run, round, coalesce(root, 0), variant) WHERE run IS NOT NULL;
"""

# fingerprint: of the file as it was. first, n: its rows, whose ids may have others among them.
_004_SOURCES = """
  ALTER TABLE sources ADD COLUMN fingerprint TEXT;
  ALTER TABLE sources ADD COLUMN first INTEGER;
  ALTER TABLE sources ADD COLUMN last INTEGER;
  ALTER TABLE sources ADD COLUMN n INTEGER;
  CREATE INDEX sources_by_fingerprint ON sources (fingerprint);
"""

# draws: what a request of Self-Instruct shows, before it is asked. ended: its reply has been read; rule and evidence:
# why the whole reply brought nothing.
_005_DRAWS = """
  CREATE TABLE draws (
    run INTEGER NOT NULL, request INTEGER NOT NULL, shown TEXT NOT NULL, ended INTEGER NOT NULL DEFAULT 0,
    reply TEXT, rule TEXT, evidence TEXT, PRIMARY KEY (run, request)) WITHOUT ROWID;
"""

# gold_why: who said which segment is gold, how sure and on what evidence, as JSON; NULL for the person. placement: the
# plan of a placed row, as JSON (curate/plans.py).
_006_PLACEMENTS = """
  ALTER TABLE state ADD COLUMN gold_why TEXT;
  ALTER TABLE state ADD COLUMN placement TEXT;
"""

# setup: what was asked, recipe: everything that decides the answers, both JSON. ended: in which order probes came to
# their end, NULL before. probe_answers: of each question, whether it was answered right, and the reply in the ledger.
_007_PROBES = """
  CREATE TABLE probes (
    id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, model TEXT NOT NULL, setup TEXT NOT NULL,
    recipe TEXT NOT NULL, at TEXT NOT NULL, ended INTEGER);
  CREATE TABLE probe_answers (
    probe INTEGER NOT NULL, sample INTEGER NOT NULL, position INTEGER NOT NULL, correct INTEGER NOT NULL,
    reply TEXT NOT NULL, PRIMARY KEY (probe, sample, position)) WITHOUT ROWID;
"""

# spaces: vectors that can be compared with each other; width: how many numbers each has. vectors: an answer of the
# endpoint is a row, appended and never changed; keys: 16 bytes a text (see `vectors.Space.key`), body: 2 * width bytes
# a text, in the same order. A row a text would change a page of the index for each of them, ten times the bytes.
_008_VECTORS = """
  CREATE TABLE spaces (
    id INTEGER PRIMARY KEY, model TEXT NOT NULL, dimensions INTEGER NOT NULL, prefix TEXT NOT NULL,
    width INTEGER NOT NULL, UNIQUE (model, dimensions, prefix));
  CREATE TABLE vectors (id INTEGER PRIMARY KEY, space INTEGER NOT NULL, keys BLOB NOT NULL, body BLOB NOT NULL);
  CREATE INDEX vectors_by_space ON vectors (space);
"""

# kind: an index into KINDS (pairs.py), which row a pair keeps is told by its rows' state alone; so what earlier
# versions called keep-left and keep-right is open, and closed by the row that is rejected.
_009_DUPLICATES = """
  ALTER TABLE pairs ADD COLUMN kind INTEGER NOT NULL DEFAULT 4;
  UPDATE pairs SET verdict = 0 WHERE verdict IN (1, 2);
  CREATE INDEX pairs_by_second ON pairs (second);
"""


def _010_answers(connection: sqlite3.Connection) -> None:
    # Few openings need it.
    from studio.store.upgrades import answers

    answers.upgrade(connection)


MIGRATIONS: tuple[Migration, ...] = (
    _001_SPINE,
    _002_OPINIONS,
    _003_LINEAGE,
    _004_SOURCES,
    _005_DRAWS,
    _006_PLACEMENTS,
    _007_PROBES,
    _008_VECTORS,
    _009_DUPLICATES,
    _010_answers,
)
