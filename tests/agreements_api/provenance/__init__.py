"""Tests of the chain from the conclusion to the result, and of open points."""
