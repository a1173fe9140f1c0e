"""Milestones: what has to be reached on the way to a task's deadline."""
