"""Imports of tasks and agreements from the tables in which people keep them."""
