"""Study: people say what they prefer, and their votes move a model."""
