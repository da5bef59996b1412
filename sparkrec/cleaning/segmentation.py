"""Words of texts that are written without blanks."""

import logging
import re

import pandas as pd
from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.pandas.functions import pandas_udf

_HAN, _HIRAGANA, _KATAKANA = "\u3400-\u4dbf\u4e00-\u9fff", "\u3041-\u309f", "\u30a0-\u30ff\u31f0-\u31ff"
_CHINESE = re.compile(f"[{_HAN}]+")
_IS_JAPANESE = re.compile(f"[{_HIRAGANA}{_KATAKANA}]")
# What is bent stays with its ending.
_JAPANESE = re.compile(f"[{_HAN}]+[{_HIRAGANA}]*|[{_HIRAGANA}]+|[{_KATAKANA}]+")
_WITHOUT_BLANKS = f"[{_HAN}{_HIRAGANA}{_KATAKANA}]"


def segment(text: str) -> str:
    """The text with blanks around the words of its Chinese and Japanese parts; the rest stays as it is.

    Chinese is cut by jieba (its dictionary, and a hidden Markov model for words that are not in it), Japanese, which is
    told by its kana, where the script changes.
    """
    if _IS_JAPANESE.search(text):
        return _JAPANESE.sub(lambda word: f" {word[0]} ", text)
    # Its dictionary takes a second to load: only where there is Chinese.
    import jieba  # type: ignore[import-untyped]

    jieba.setLogLevel(logging.WARNING)
    return _CHINESE.sub(lambda run: f" {' '.join(jieba.cut(run[0]))} ", text)


def segmented(text: Column) -> Column:
    """`segment` of a column; only texts that have letters of such scripts go by way of Python."""

    def texts(values: pd.Series) -> pd.Series:
        return values.map(segment, na_action="ignore")

    needed = F.when(text.rlike(_WITHOUT_BLANKS), text)
    return F.coalesce(pandas_udf(texts, "string")(needed), text)  # type: ignore[call-overload]
