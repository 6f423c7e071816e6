"""Binding the app to its database: SQLite or PostgreSQL, with the same meaning to transactions."""

from typing import Any

from flask import Flask
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection

from .base import DATABASE_AWAY, db
from .sqlite import close_to_others, serialize_writes


def init_database(app: Flask) -> None:
    """Bind the database; on SQLite make writes serialize the way PostgreSQL's row locks do."""
    # Parameters are names and addresses; they must not reach a log through an error's text.
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
        # A server may have been restarted since a connection was used; a file cannot.
        "pool_pre_ping": not app.config["SQLALCHEMY_DATABASE_URI"].startswith("sqlite:"),
        "hide_parameters": True,
    }
    db.init_app(app)
    app.teardown_appcontext(_let_go)
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            close_to_others(db.engine.url.database)
            serialize_writes(db.engine)
        else:
            event.listen(db.engine, "connect", _speak_utc)


def _speak_utc(connection: DBAPIConnection, _record: Any) -> None:
    """Instants come in UTC then, and need no conversion, whatever the server's own zone is."""
    cursor = connection.cursor()
    cursor.execute("SET TIME ZONE 'UTC'")
    cursor.close()
    connection.commit()


def _let_go(_error: BaseException | None) -> None:
    """End the session, before Flask-SQLAlchemy does.

    A connection that died since the answer was made would turn that answer into a bare 500. By
    the time it raises, the pool has thrown it away; what is left to drop is the session.
    """
    try:
        db.session.remove()
    except DATABASE_AWAY:
        db.session.registry.clear()
