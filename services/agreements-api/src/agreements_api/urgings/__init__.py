"""Urgings and requests for an explanation: a leader asks, the unit answers in the system."""
