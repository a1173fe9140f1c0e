"""Recurrence: tasks that come again with every official reporting period."""
