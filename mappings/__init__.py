"""What we know, as data, and the small engine that compiles it."""
