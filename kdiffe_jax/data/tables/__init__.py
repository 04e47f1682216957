"""Tables of any size in CSV, TSV, lines of JSON and Parquet, read in parts; ids as numbers."""
