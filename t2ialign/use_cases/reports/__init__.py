"""Results as tables, records and figures for people and files."""
