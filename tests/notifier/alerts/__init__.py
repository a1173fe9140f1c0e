"""Tests of the notifier's alerts."""
