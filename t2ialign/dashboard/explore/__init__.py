"""Explore: a prompt becomes pictures, two numbers and a point."""
