"""What a host signs in with, a row each: a password today. The hashes move there from `users`."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

IS_PASSWORD = sa.text("kind = 'password'")


def upgrade() -> None:
    begin_on_sqlite()
    op.create_table(
        "credentials",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("label", sa.String(length=120), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind IN ('password', 'totp', 'passkey', 'recovery')",
            name=op.f("ck_credentials_kind_is_known"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_credentials_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credentials")),
    )
    op.create_index("ix_credentials_user_id", "credentials", ["user_id"])
    op.create_index(
        "ix_credentials_user_id_password",
        "credentials",
        ["user_id"],
        unique=True,
        sqlite_where=IS_PASSWORD,
        postgresql_where=IS_PASSWORD,
    )
    op.execute(
        "INSERT INTO credentials (user_id, kind, secret, label, created_at)"
        " SELECT id, 'password', password_hash, '', created_at FROM users ORDER BY id"
    )
    op.drop_column("users", "password_hash")


def downgrade() -> None:
    begin_on_sqlite()
    # Who had no password gets an empty hash, which no password fits.
    op.add_column(
        "users",
        sa.Column("password_hash", sa.String(length=255), server_default="", nullable=False),
    )
    op.execute(
        "UPDATE users SET password_hash = coalesce((SELECT secret FROM credentials"
        " WHERE user_id = users.id AND kind = 'password'), '')"
    )
    op.drop_table("credentials")


def begin_on_sqlite() -> None:
    """All or nothing there too."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("BEGIN IMMEDIATE")
