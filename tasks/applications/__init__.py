"""Applications: what is asked for after a declaration (cancel, return, tally, summary, declaring anew)."""
