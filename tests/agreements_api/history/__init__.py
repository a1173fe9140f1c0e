"""Tests of what history tells."""
