"""Tests of agreements-api."""
