"""A name that a folder may have, and that is something else in SQL, URLs, globs and Hadoop's paths."""

ODD_NAME = 'it\'s 100% #1, [a]:{b} `c` "d" %20 ä?*'
