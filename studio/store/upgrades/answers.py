"""Schema 10: what became of each task of a run stands in one table, whatever its method.

`draws`, `probes` and `probe_answers` go into it, and so does what the rows of Evol-Instruct and Self-Instruct told by
being there.
"""

from __future__ import annotations

import sqlite3

from studio.store.upgrades.identities import digest, told_anew

# value NULL: the task is still to be asked, and brief is what its request shows. asked: "role:key ..." of the ledger;
# of older runs only the keys. ended: in which order runs came to their end.
_TABLES = (
    """CREATE TABLE answers (
      run INTEGER NOT NULL, key TEXT NOT NULL, brief TEXT, value TEXT, asked TEXT, UNIQUE (run, key))""",
    """CREATE TABLE scores (
      row INTEGER NOT NULL, name TEXT NOT NULL, value REAL NOT NULL, run INTEGER, reason TEXT NOT NULL DEFAULT '',
      PRIMARY KEY (row, name)) WITHOUT ROWID""",
    "CREATE INDEX scores_by_name ON scores (name, value)",
    "ALTER TABLE runs ADD COLUMN ended INTEGER",
    # Rows of other methods have neither round nor root; now the key of an answer guards against a task done twice.
    "DROP INDEX rows_by_attempt",
    "CREATE INDEX rows_by_run ON rows (run) WHERE run IS NOT NULL",
)

_EVOLVED = """
  INSERT OR IGNORE INTO answers
  SELECT run, json_array(round, root), NULL, '{}', replies FROM rows
  WHERE run IN (SELECT id FROM runs WHERE method = 'evol-instruct')
    AND variant = 0 AND round IS NOT NULL AND root IS NOT NULL
  ORDER BY id
"""

# New is what joined the pool: also what a later step dropped, or the person.
_LISTED = """
  INSERT INTO answers
  SELECT d.run, json_array('list', d.request), d.shown,
    CASE WHEN d.ended THEN json_object('new', coalesce(m.n, 0), 'rule', d.rule, 'evidence', d.evidence) END, d.reply
  FROM draws d LEFT JOIN (
    SELECT r.run, r.round, count(*) n FROM rows r JOIN state s ON s.id = r.id
    WHERE r.run IN (SELECT run FROM draws) AND r.parent IS NULL AND (s.status <> 2 OR s.rule = 'unanswered'
      OR r.operation NOT IN ('self-instruct/bootstrap', 'self-instruct/alpaca'))
    GROUP BY 1, 2) m ON m.run = d.run AND m.round = d.request
  ORDER BY d.run, d.request
"""

# The first of a row's replies is that of the list.
_ANSWERED = """
  INSERT OR IGNORE INTO answers
  SELECT run, json_array('answer', round, variant), NULL, '{}', substr(replies, instr(replies, ' ') + 1) FROM rows
  WHERE run IN (SELECT id FROM runs WHERE method = 'self-instruct')
    AND parent IS NULL AND operation IN ('self-instruct/output-first', 'self-instruct/input-first')
  ORDER BY run, round, variant
"""

_PROBED = """
  INSERT INTO answers
  SELECT ?, json_array(sample, position), NULL,
    CASE WHEN correct THEN '{"right":true}' ELSE '{"right":false}' END, reply
  FROM probe_answers WHERE probe = ? ORDER BY sample, position
"""


def upgrade(connection: sqlite3.Connection) -> None:
    """Bring a database of schema 9 to schema 10, inside the caller's transaction."""
    for statement in (*_TABLES, _EVOLVED, _LISTED, _ANSWERED):
        connection.execute(statement)
    _tell_recipes_anew(connection)
    _move_probes(connection)
    for table in ("draws", "probes", "probe_answers"):
        connection.execute(f"DROP TABLE {table}")


def _tell_recipes_anew(connection: sqlite3.Connection) -> None:
    """Runs are found by the recipes of today, so that the same settings go on with them."""
    found = connection.execute(
        "SELECT runs.method, recipes.settings, recipes.run, recipes.at "
        "FROM recipes JOIN runs ON runs.id = recipes.run ORDER BY recipes.at"
    ).fetchall()
    for method, recipe, run, at in found:
        _know(connection, run, told_anew(method, recipe), at)


def _move_probes(connection: sqlite3.Connection) -> None:
    """Each probe becomes a run. One whose recipe cannot be read keeps it, and is found by no settings."""
    found = connection.execute("SELECT id, digest, recipe, at, ended FROM probes ORDER BY id").fetchall()
    for probe, old, recipe, at, ended in found:
        recipes = told_anew("probe", recipe)
        plainest = recipes[0] if recipes else recipe
        key = digest(plainest) if recipes else old
        run = connection.execute(
            "INSERT INTO runs (method, key, settings, started_at, ended) VALUES ('probe', ?, ?, ?, ?)",
            (key, plainest, at, ended),
        ).lastrowid
        assert run is not None
        _know(connection, run, recipes, at)
        connection.execute(_PROBED, (run, probe))


def _know(connection: sqlite3.Connection, run: int, recipes: list[str], at: str) -> None:
    connection.executemany(
        "INSERT OR IGNORE INTO recipes VALUES (?, ?, ?, ?)", [(digest(recipe), run, recipe, at) for recipe in recipes]
    )
