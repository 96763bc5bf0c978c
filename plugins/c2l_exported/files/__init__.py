"""What can be seen in an exported file without running anything in it."""
