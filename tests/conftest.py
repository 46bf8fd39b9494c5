"""Makes `tests` a package for all test files, so that they share tests.factory."""
