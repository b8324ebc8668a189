"""Questions `requests` cannot ask. Each takes the life and answers with plain values for the table to expect."""
