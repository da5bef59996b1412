"""What a landing file is told by, whatever it is called and wherever it lies."""

import hashlib
from collections.abc import Sequence

from pyspark.sql import SparkSession

from sparkrec.lake import files
from sparkrec.landing.find import LandingFile


def batches_of(spark: SparkSession, found: Sequence[LandingFile], by_name: bool) -> dict[str, str]:
    """The batch of each landing file by its URI.

    A batch is a file's bytes, with the values of its folders, and where an expression asks for the file's name with
    that, too: equal bytes of two days are two batches where the day stands in the path alone.

    Args:
        spark: The session.
        found: The files.
        by_name: Whether an expression of the source file asks for the name.
    """
    digests = files.sha256_of_files(spark, [file.uri for file in found])
    told = {file.uri: [file.path] if by_name else [str(file.partitions)] * bool(file.partitions) for file in found}
    batches = {
        uri: hashlib.sha256("\n".join([digest, *told[uri]]).encode()).hexdigest() if told[uri] else digest
        for uri, digest in digests.items()
    }
    return {uri: batch[:16] for uri, batch in batches.items()}
