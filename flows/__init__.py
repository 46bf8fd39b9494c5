"""One file per business process."""
