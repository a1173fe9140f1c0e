"""Meetings of an agreement: planned, held with attendance, minutes and outcomes, which become tasks."""
