"""Align: a method and a button, then a run that anyone can watch."""
