"""What clients' calendars answer: how far their mailbox has been read, and which answer was the last.

A column is added without batch mode, which would drop SQLite's triggers.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("attendees", sa.Column("reply_stamped_at", AT, nullable=True))
    op.create_table(
        "reply_mailboxes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("address_hash", sa.String(64), nullable=False),
        sa.Column("uid_validity", sa.BigInteger(), nullable=True),
        sa.Column("last_uid", sa.BigInteger(), nullable=True),
        sa.Column("due_at", AT, nullable=False),
        sa.Column("lease_until", AT, nullable=True),
        sa.Column("lease_token", sa.String(43), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", AT, nullable=True),
        sa.Column("trouble", sa.String(40), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reply_mailboxes")),
        sa.UniqueConstraint("address_hash", name=op.f("uq_reply_mailboxes_address_hash")),
    )


def downgrade() -> None:
    op.drop_table("reply_mailboxes")
    op.drop_column("attendees", "reply_stamped_at")
