"""Tests of promises to meet and of how they are kept."""
