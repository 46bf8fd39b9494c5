"""Several workers as processes, and as hosts, on one ledger: parcels add up, and a death loses nothing."""
