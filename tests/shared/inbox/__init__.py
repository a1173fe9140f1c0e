"""Tests of the inbox and its consumer."""
