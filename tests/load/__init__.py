"""The bench: each figure of the product beside its limit, measured in the same run."""
