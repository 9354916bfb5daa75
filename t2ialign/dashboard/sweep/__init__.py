"""Sweep: many conditions on many prompts as a job, watched as it fills."""
