"""Landing files: which there are, what they are, and their lines as text."""
