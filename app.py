"""A Space's entry: ``t2ialign serve``."""

import sys

from t2ialign.cli import main

if __name__ == "__main__":
    main(["serve", *sys.argv[1:]])
