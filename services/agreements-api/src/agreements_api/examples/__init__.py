"""Example data: real agreements of the region, as far as they are published."""
