"""Dead letters: events that could not be applied, and what the operator does with them."""
