"""Tests of many changes at once."""
