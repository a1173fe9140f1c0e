"""Tests of the notifier's delivery."""
