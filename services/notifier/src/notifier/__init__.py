"""Deadlines, the alerts that they cause, and their delivery."""
