"""The use cases, the only composers: what the page, the command line and the Python API all call."""
