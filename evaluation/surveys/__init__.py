"""The paper's Section 3 as programs over stored listings: how many models are pickles, and what their files import."""
