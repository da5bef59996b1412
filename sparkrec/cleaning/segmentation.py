"""Words of texts that are written without blanks."""

import re
from functools import cache
from typing import Any

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
    tokenizer = _chinese()
    return _CHINESE.sub(lambda run: f" {' '.join(tokenizer.cut(run[0]))} ", text)


@cache
def _chinese() -> Any:
    """A tokenizer with the dictionary that jieba ships.

    jieba by itself would take it from ``jieba.cache`` in the temporary folder that all users share, no matter who wrote
    that.
    """
    # The dictionary takes a second to load: only where there is Chinese, and once a process.
    import jieba  # type: ignore[import-untyped]

    tokenizer = jieba.Tokenizer()
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    tokenizer.initialized = True
    return tokenizer


def segmented(text: Column) -> Column:
    """`segment` of a column; only texts that have letters of such scripts go by way of Python."""

    def texts(values: pd.Series) -> pd.Series:
        return values.map(segment, na_action="ignore")

    needed = F.when(text.rlike(_WITHOUT_BLANKS), text)
    return F.coalesce(pandas_udf(texts, "string")(needed), text)  # type: ignore[call-overload]
