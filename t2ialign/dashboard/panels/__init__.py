"""The page's components, one panel a file: they are built here and wired in ``tabs``."""
