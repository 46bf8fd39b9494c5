"""Everything outside the process: authorities, ledger, keys, sandboxes."""
