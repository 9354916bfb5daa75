"""Pieces of the page as HTML: pure functions of frozen records. Whatever a person wrote is escaped here, on its way out."""
