"""What several pages use; a page imports from here and from itself, never from another page."""
