"""Pretrained models of text: texts to vectors, in one process or on Spark's executors."""
