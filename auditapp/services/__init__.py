"""Every write to the database: transactions, state changes, and what follows a commit."""
