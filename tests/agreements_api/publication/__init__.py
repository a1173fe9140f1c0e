"""Tests of what is shown to the public."""
