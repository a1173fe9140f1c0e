"""Tests of the local stack: its parts, its supervisor and its commands."""
