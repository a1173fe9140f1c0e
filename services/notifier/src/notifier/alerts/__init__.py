"""Alerts: the steps of a deadline's policy, their schedule, and each person's list."""
