"""What the models learn from: pure functions from silver tables to features."""
