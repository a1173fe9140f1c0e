"""Tests of units, successions and organisations."""
