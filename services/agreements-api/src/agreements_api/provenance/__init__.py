"""From the conclusion to the result: what an agreement carries out, what carries it out, and where it has gaps."""
