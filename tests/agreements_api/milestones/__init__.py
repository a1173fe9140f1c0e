"""Tests of who handles what within an organisation."""
