"""The ledger: the truth about what was sent and received (SQLAlchemy 2 Core, SQLite or PostgreSQL)."""

from adapters.ledger.ledger import Ledger, open_ledger

__all__ = ["Ledger", "open_ledger"]
