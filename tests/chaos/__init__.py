"""Chaos: workers killed at named points, authorities that misbehave, two workers at once; a truck ends as if nothing was."""
