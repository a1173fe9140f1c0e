"""Administrative units of every era, their successions, and the organisations that act for them."""
