"""Tasks as they were at an instant."""
