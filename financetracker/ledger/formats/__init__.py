"""Text in and out: a reader and a writer for each format, over the plain data of `plain.py`. No database."""
