"""The words of a normalised text."""

from pyspark.sql import Column
from pyspark.sql import functions as F

# Written without blanks. The mark that lengthens a kana belongs to no script.
CJK = r"\p{IsHan}\p{IsHiragana}\p{IsKatakana}ー"


def runs(text: Column) -> Column:
    """The text cut at blanks, and where Chinese or Japanese letters meet others (array of texts)."""
    spaced = F.regexp_replace(text, f"([{CJK}]+)", " $1 ")
    return F.filter(F.split(spaced, " +"), lambda run: run != "")


def words(text: Column) -> Column:
    """The text's words in their order; of Chinese and Japanese all pairs of neighbouring letters stand for words."""

    def of_run(run: Column) -> Column:
        places = F.sequence(F.lit(1), F.greatest(F.length(run) - 1, F.lit(1)))
        pairs = F.transform(places, lambda at: F.substring(run, at, F.lit(2)))
        return F.when(run.rlike(f"^[{CJK}]"), pairs).otherwise(F.array(run))

    return F.flatten(F.transform(runs(text), of_run))
