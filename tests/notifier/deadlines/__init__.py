"""Tests of the notifier's deadlines."""
