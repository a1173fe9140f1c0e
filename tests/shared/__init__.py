"""Tests of the package that every service shares."""
