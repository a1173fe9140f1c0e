"""Tests of the notifier's feed."""
