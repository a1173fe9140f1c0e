"""Corridors across the boundaries of localities, their segments, and how well these keep step with each other."""
