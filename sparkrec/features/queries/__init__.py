"""What a query means: spelling, category, brand, colour, size and price; pure functions over lists of queries."""
