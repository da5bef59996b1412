"""sparkrec: batch features, training and published lists for e-commerce search and recommendation."""

__version__ = "0.1.0"
