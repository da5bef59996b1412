"""Deep models: one file a model, each a config and a Keras model with its loss."""
