"""What ``c2l compat`` says: which parts fit together, and what is missing where they do not."""
