"""A paper's table run again: from one file to ours beside the paper's."""
