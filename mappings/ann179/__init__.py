"""Announcement 179 of 2018 (payment data on demand) as data: messages, codes, layouts of payment files."""
