"""Reports: what an operator, a sender and a manager read. Personal values are masked everywhere but in the sender's file."""
