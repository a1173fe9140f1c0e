"""Tests of the history of users, clients, organisations and focal points."""
