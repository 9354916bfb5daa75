"""Grid: two settings changed at once, the same seeds in every cell."""
