"""Migrations of the agreements database."""
