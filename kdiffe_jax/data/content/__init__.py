"""What items are made of -> relations: each a pure function of arrays or texts."""
