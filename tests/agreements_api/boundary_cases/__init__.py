"""Tests of dossiers of boundary areas."""
