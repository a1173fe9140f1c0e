"""Tests of the notifier's dead letters."""
