"""Runs the migrations on the connection that `upgrade` opened; Alembic loads this file by its name."""

from typing import Any, Literal

from alembic import context

from adapters.ledger.tables import metadata


def _plain(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """In a migration a sealed column is bytes and an instant is a time: migrations never import the types of today."""
    impl = getattr(item, "impl", None)
    return repr(impl).join(("sa.", "")) if kind == "type" and impl is not None else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    render_item=_plain,
)
with context.begin_transaction():
    context.run_migrations()
