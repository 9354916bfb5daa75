"""``python -m t2ialign``: the command line."""

from t2ialign.cli import main

if __name__ == "__main__":
    main()
