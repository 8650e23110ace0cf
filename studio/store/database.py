"""The project's SQLite file: opening, migrating, transactions.

WAL mode with one writer and any number of readers. A commit is FULL-synced unless it belongs to an
import, whose rows are still in the imported file (design.md, "The store").
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from studio.errors import ProjectError
from studio.store.migrations import MIGRATIONS

# 16 KiB pages and a checkpoint every 256 MiB: a million-row import writes a third less than with the defaults.
_PAGE_SIZE = 16_384
_CHECKPOINT_PAGES = 16_384


@contextlib.contextmanager
def explaining(path: Path) -> Iterator[None]:
    """SQLite's errors as ProjectError: what is wrong with the database at path, and what to do."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise ProjectError(
            f"{path} cannot be read or written: {error}. What was decided before is kept.",
            hint="Look for a full disk, missing rights or another program that holds the file.",
        ) from None
    except sqlite3.DatabaseError as error:
        raise ProjectError(
            f"{path} is damaged or no project database: {error}.",
            hint="Restore it from a backup beside it (studio.db.v*.bak), or from your own.",
        ) from None


class Database:
    """One connection to studio.db, for one thread at a time."""

    def __init__(self, path: Path, *, writable: bool) -> None:
        """Open, and migrate when writable. Raises ProjectError."""
        self.path = path
        self.writable = writable
        with explaining(path):
            self.connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?{_mode(path, writable)}",
                uri=True,
                isolation_level=None,
                timeout=10,
                check_same_thread=False,
            )
            try:
                self._prepare()
            except BaseException:
                self.connection.close()
                raise

    def _prepare(self) -> None:
        connection = self.connection
        version = self.version
        if version > len(MIGRATIONS):
            raise ProjectError(
                f"{self.path} was written by a newer studio (schema {version}, this one knows {len(MIGRATIONS)}).",
                hint="Update the studio; nothing was changed.",
            )
        if self.writable:
            connection.execute(f"PRAGMA page_size={_PAGE_SIZE}")
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
        if version < len(MIGRATIONS):
            if not self.writable:
                raise ProjectError(
                    f"{self.path} has schema {version} and needs {len(MIGRATIONS)}.",
                    hint="Open it once for writing; it is backed up first.",
                )
            self._migrate(version)

    @property
    def version(self) -> int:
        return int(self.connection.execute("PRAGMA user_version").fetchone()[0])

    def _migrate(self, version: int) -> None:
        if version:
            backup = self.path.with_name(f"{self.path.name}.v{version}.bak")
            with contextlib.closing(sqlite3.connect(backup)) as copy:
                self.connection.backup(copy)
        for number, migration in enumerate(MIGRATIONS[version:], start=version + 1):
            if isinstance(migration, str):
                self.connection.executescript(f"BEGIN; {migration} PRAGMA user_version={number}; COMMIT;")
            else:
                with self.transaction() as connection:
                    migration(connection)
                    connection.execute(f"PRAGMA user_version={number}")

    @contextlib.contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """One commit. durable=False leaves the fsync to the next durable one, or to sync().

        Raises ProjectError when the disk refuses; then nothing of the transaction has happened.
        """
        connection = self.connection
        with explaining(self.path):
            connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                # A failed COMMIT (disk full) may have ended the transaction already.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def sync(self) -> None:
        """Make every commit so far durable, as the next durable one would. Any thread may call it.

        Commits stand in the file beside the database until SQLite syncs both and moves them. Raises ProjectError.
        """
        try:
            log = os.open(f"{self.path}-wal", os.O_RDWR)
        except FileNotFoundError:
            # Closed meanwhile, which has synced everything.
            return
        try:
            os.fsync(log)
        except OSError as error:
            raise ProjectError(f"{self.path} cannot be written: {error.strerror}.") from None
        finally:
            os.close(log)

    def get_meta(self, key: str) -> bytes | None:
        found = self.connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if found is None else bytes(found[0])

    def set_meta(self, key: str, value: bytes) -> None:
        """Small facts such as the row last looked at; not synced, it is no decision."""
        with self.transaction(durable=False) as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def close(self) -> None:
        self.connection.close()


def _mode(path: Path, writable: bool) -> str:
    if writable:
        return "mode=rwc"
    # SQLite reads a WAL database through files beside it. Where those are not and cannot be made, nobody writes
    # either, and it may read the file as it is.
    alone = not path.with_name(f"{path.name}-wal").exists() and not os.access(path.parent, os.W_OK)
    return "mode=ro&immutable=1" if alone else "mode=ro"
