"""Raw files -> dense features and class scores, one row an item. Needs the extra `[extract]`."""
