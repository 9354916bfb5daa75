"""Training as a use case: a request becomes a checkpoint with a manifest."""
