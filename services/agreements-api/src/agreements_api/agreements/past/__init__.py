"""Agreements as they were at an instant."""
