"""Tables of any size in CSV, TSV and Parquet, read in parts; ids as numbers."""
