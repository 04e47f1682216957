"""report.html of a run: one file without network, read from the run directory alone."""
