"""Tests of agreements: drafting, signing, declining, reading."""
