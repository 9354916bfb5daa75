"""Trade-off: every scored checkpoint as a point."""
