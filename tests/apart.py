"""Models that are unlike each other in what the engine does for them.

Every model compiles for several seconds. What is the engine's own work, such as taking seeds in
turn, is asked of these; what is the model's own, of all.
"""

#: graphs or clusters carried from epoch to epoch, two optimisers and batches by users, no negatives
APART = ("kdiffe", "diffkg", "lightgcn", "ncl", "mgcl", "bm3")
#: trained on eight devices; what they and others drop or sum over there has tests of its own
MESHED = ("kdiffe", "lightgcn", "freedom", "clcrec")
