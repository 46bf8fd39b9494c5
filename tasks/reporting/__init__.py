"""Reports: what an operator, a sender and a manager read. Only the sender's own file shows personal values."""
