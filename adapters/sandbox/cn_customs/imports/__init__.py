"""Imports: what is compared, and the books of quota, guarantee, stock and tax bills that an inventory moves."""
