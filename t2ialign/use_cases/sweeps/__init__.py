"""Sweeps: many conditions on many prompts, planned, priced, run as a job, extended."""
