"""Submission: messages are sealed, claimed, posted and settled, and what got lost on the way is found out."""
