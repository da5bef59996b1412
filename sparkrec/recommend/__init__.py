"""From fitted models to lists."""
