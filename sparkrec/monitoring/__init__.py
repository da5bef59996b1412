"""What of the data and the models changes from one day to the next."""
