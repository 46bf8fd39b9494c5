"""`python -m deployments.cli` is `tongguan`."""

from deployments.cli import main

main()
