"""Tests of accounts, sessions, tokens and clients."""
