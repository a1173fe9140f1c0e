"""Dependencies: which task has to be finished before which, and what a slip does to those behind it."""
