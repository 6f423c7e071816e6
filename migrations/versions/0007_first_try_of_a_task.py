"""When a task was first tried, so that it is given up by age and not by a number of tries."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tasks", sa.Column("first_tried_at", sa.DateTime(timezone=True), nullable=True))
    # What is being tried begins its time anew.
    op.execute(sa.text("UPDATE tasks SET first_tried_at = due_at WHERE attempts > 0"))


def downgrade() -> None:
    op.drop_column("tasks", "first_tried_at")
