"""Indicators: how many tasks are completed, late, in time and overdue, by whom and in what field."""
