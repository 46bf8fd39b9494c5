"""What we know of Hong Kong's road cargo system, as data: messages, codes, dated limits, states, next steps."""
