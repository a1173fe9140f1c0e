"""A resolution may also dissolve units: what was theirs goes to others."""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _allow("'rename', 'upgrade', 'merge', 'split', 'dissolve', 'rearrangement'")


def downgrade() -> None:
    op.execute("update unit_succession set kind = 'rearrangement' where kind = 'dissolve'")
    _allow("'rename', 'upgrade', 'merge', 'split', 'rearrangement'")


def _allow(kinds: str) -> None:
    op.execute("alter table unit_succession drop constraint unit_succession_kind_check")
    op.execute(f"alter table unit_succession add constraint unit_succession_kind_check check (kind in ({kinds}))")
