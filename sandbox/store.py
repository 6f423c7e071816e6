"""What the sandbox remembers, in one SQLite file, so that a restart forgets nothing."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS choices (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS installs (person TEXT PRIMARY KEY, installed_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS codes (
  code TEXT PRIMARY KEY, person TEXT NOT NULL, redirect_uri TEXT NOT NULL, challenge TEXT,
  scope TEXT NOT NULL, issued_at REAL NOT NULL, used_at REAL);
CREATE TABLE IF NOT EXISTS authorizations (
  id INTEGER PRIMARY KEY, person TEXT NOT NULL, scope TEXT NOT NULL, made_at REAL NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('active', 'superseded', 'removed')));
CREATE TABLE IF NOT EXISTS access_tokens (
  token TEXT PRIMARY KEY, authorization_id INTEGER NOT NULL REFERENCES authorizations,
  expires_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS refresh_tokens (
  token TEXT PRIMARY KEY, authorization_id INTEGER NOT NULL REFERENCES authorizations,
  issued_at REAL NOT NULL, replaced_at REAL);
CREATE TABLE IF NOT EXISTS meetings (
  id INTEGER PRIMARY KEY, uuid TEXT NOT NULL, person TEXT NOT NULL, topic TEXT NOT NULL,
  agenda TEXT NOT NULL, start_time TEXT NOT NULL, duration INTEGER NOT NULL,
  timezone TEXT NOT NULL, password TEXT, pwd TEXT NOT NULL, settings TEXT NOT NULL,
  created_at REAL NOT NULL, changed_at REAL NOT NULL, deleted_at REAL);
CREATE TABLE IF NOT EXISTS meeting_writes (
  person TEXT NOT NULL, on_day TEXT NOT NULL, number INTEGER NOT NULL,
  PRIMARY KEY (person, on_day));
CREATE TABLE IF NOT EXISTS calls (
  id INTEGER PRIMARY KEY, at REAL NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL,
  person TEXT, status INTEGER, fault TEXT, seconds REAL);
CREATE TABLE IF NOT EXISTS faults (
  id INTEGER PRIMARY KEY, kind TEXT NOT NULL, lane TEXT NOT NULL, remaining INTEGER NOT NULL,
  seconds REAL);
CREATE TABLE IF NOT EXISTS deliveries (
  id INTEGER PRIMARY KEY, event TEXT NOT NULL, body TEXT NOT NULL, made_at REAL NOT NULL,
  attempts INTEGER NOT NULL, due_at REAL NOT NULL, last_answer TEXT,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'accepted', 'refused', 'given up')));
CREATE TABLE IF NOT EXISTS mails (
  id INTEGER PRIMARY KEY, received_at REAL NOT NULL, sender TEXT NOT NULL, raw BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS mail_recipients (
  mail_id INTEGER NOT NULL REFERENCES mails ON DELETE CASCADE, address TEXT NOT NULL,
  PRIMARY KEY (mail_id, address));
CREATE INDEX IF NOT EXISTS mail_recipients_address ON mail_recipients (address);
"""
TABLES = [
    "access_tokens",
    "refresh_tokens",
    "authorizations",
    "codes",
    "installs",
    "meetings",
    "meeting_writes",
    "calls",
    "faults",
    "deliveries",
    "mail_recipients",
    "mails",
    "choices",
]


class Store:
    """One connection that the HTTP, SMTP and webhook threads share, one at a time."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._turn = threading.RLock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        # WAL with NORMAL keeps every commit when the process is killed; only a power cut may
        # lose the last ones, which does not matter here.
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.executescript(SCHEMA)

    def rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        with self._turn:
            return self._connection.execute(sql, values).fetchall()

    def row(self, sql: str, *values: object) -> sqlite3.Row | None:
        """The first row, or None."""
        with self._turn:
            found: sqlite3.Row | None = self._connection.execute(sql, values).fetchone()
            return found

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: commits at the end of the block, rolls back when it raises."""
        with self._turn:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def forget_everything(self) -> None:
        """Empty every table: the sandbox as on its first day."""
        with self.writing() as db:
            for table in TABLES:
                db.execute(f"DELETE FROM {table}")
