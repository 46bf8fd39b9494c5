"""Chaos: workers killed at named points, authorities that misbehave; a truck ends as if nothing had happened."""
