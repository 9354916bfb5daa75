"""Preference studies without a page: designs, fair trials, and the statistics of their answers. Pure, no store."""
