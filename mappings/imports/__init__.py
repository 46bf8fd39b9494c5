"""What the rules of retail imports know: dated limits and shares, tax rates and their arithmetic, tables of books."""
