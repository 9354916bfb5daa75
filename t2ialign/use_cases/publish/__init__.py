"""A checkpoint for others: a folder with its adapter, its manifest and a card that says what alignment cost in diversity."""
