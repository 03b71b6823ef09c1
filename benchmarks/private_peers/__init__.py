"""Private k-means by others, written anew from their papers or run as they are, with one signature for all.

Equal terms: the same epsilon, delta (diffprivlib has none), claim unit, number of clusters and ``Bounds``; Gaussian
noise by the tight closed form of ``common.accounting.gaussian_privacy``. Noise is drawn in floating point from a
simulation's generator: good for comparing inertia, not for releasing anything.
"""
