"""The public files of the paper's data sets: fetched, resumed, verified."""
