"""Migrations of the reporting database."""
