"""The pool: files that belong to no single truck are read in pieces into the ledger; trucks join their rows from there."""
