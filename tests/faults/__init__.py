"""Faults: everything is killed at random under load, and a checker proves that nothing was lost or doubled."""
