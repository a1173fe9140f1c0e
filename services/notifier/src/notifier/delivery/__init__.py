"""Delivery: handing alerts to people outside of the product, by e-mail."""
