"""Projections: what this service knows of agreements and tasks, learned from events alone."""
