"""Section 6 of the paper, re-run on the libraries of today, and Section 3 in `surveys`."""
