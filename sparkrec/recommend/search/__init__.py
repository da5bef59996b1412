"""The best items of many users by dot product, exactly or, in a very large catalogue, nearly so."""
