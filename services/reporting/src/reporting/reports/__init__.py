"""Reports: official documents made from the projections by a job that outlives its request."""
