"""Benchmarks: the product's path from files to signed messages, the whole way, and the floor for the same bytes."""
