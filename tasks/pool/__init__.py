"""The pool: files that belong to no single truck go into the ledger; trucks join their rows from there."""
