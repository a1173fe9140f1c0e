"""Tests of the funding gate."""
