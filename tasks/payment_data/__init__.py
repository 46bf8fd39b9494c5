"""Payment data on demand (announcement 179): receive what customs asks, gather it, answer it."""
