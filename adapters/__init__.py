"""Everything outside the process: authorities, ledger, keys, sandboxes."""

from adapters import native

native.configure()  # here, as it must come before anything of ours imports sqlite3
