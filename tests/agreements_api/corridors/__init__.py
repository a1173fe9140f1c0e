"""Tests of corridors, segments and their synchrony."""
