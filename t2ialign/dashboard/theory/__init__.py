"""Theory: what each divergence does with its hold."""
