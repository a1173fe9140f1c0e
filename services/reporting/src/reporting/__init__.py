"""Indicators and official reports, projected from events."""
