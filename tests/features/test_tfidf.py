import random

import numpy as np
from pyspark.sql import SparkSession
from sklearn.feature_extraction.text import TfidfVectorizer

from sparkrec.features.tfidf import tfidf_cosines, tfidf_index

WORDS = "red blue mug cup lamp shade of brass".split()


def test_weights_and_cosines_are_those_of_scikit_learn(spark: SparkSession) -> None:
    chance = random.Random(5)
    texts = {f"t{number:02d}": chance.choices(WORDS, k=chance.randrange(1, 9)) for number in range(60)}
    queries = {" ".join(asked): asked for asked in (["red", "mug"], ["brass"], ["red", "red", "lamp", "unheard"])}
    vectorizer = TfidfVectorizer(analyzer=lambda words: words)
    documents = vectorizer.fit_transform(list(texts.values()))

    index = tfidf_index(spark.createDataFrame(list(texts.items()), "id string, words array<string>"), "id", "words")
    asked = spark.createDataFrame(list(queries.items()), "query string, words array<string>")
    weights = np.zeros(documents.shape)
    for row in index.collect():
        weights[list(texts).index(row.id), vectorizer.vocabulary_[row.word]] = row.weight
    cosines = np.zeros((len(queries), len(texts)))
    for row in tfidf_cosines(asked, index, "id").collect():
        cosines[list(queries).index(row.query), list(texts).index(row.id)] = row.cosine

    np.testing.assert_allclose(weights, documents.toarray(), atol=1e-12)
    expected = vectorizer.transform(list(queries.values())) @ documents.T
    np.testing.assert_allclose(cosines, expected.toarray(), atol=1e-12)
