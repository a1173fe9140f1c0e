"""Obstacles as they were at an instant."""
