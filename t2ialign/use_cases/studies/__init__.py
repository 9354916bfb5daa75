"""A study's pictures prepared and frozen, its statistics, its simulated raters."""
