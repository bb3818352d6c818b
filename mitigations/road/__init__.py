"""Local fairness: one penalty per form, many networks at once."""
