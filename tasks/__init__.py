"""One package per stage: pure functions, with thin Prefect wrappers beside them."""
