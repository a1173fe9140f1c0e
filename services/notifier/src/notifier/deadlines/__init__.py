"""Deadlines: who has to have done what by when, learned from events alone."""
