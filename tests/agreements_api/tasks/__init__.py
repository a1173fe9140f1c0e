"""Tests of tasks, from assignment to completion."""
