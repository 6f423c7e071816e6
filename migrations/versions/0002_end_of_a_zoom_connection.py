"""Why a Zoom connection ended, and whether one is doubted.

`doubted_at`: Zoom has told of a removal that fits no known user, so this connection is to be
checked by a refresh.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # No batch mode: on SQLite it would copy the table, and this need not.
    op.add_column("zoom_connections", sa.Column("ended_because", sa.String(length=32)))
    op.add_column("zoom_connections", sa.Column("doubted_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("zoom_connections", "doubted_at")
    op.drop_column("zoom_connections", "ended_because")
