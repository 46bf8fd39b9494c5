"""Sandbox authorities: programs of their own, over real HTTP, that import `mappings` only and that nothing imports."""
