"""scikit-learn on pooled rows."""

import sys

import numpy as np
from sklearn.cluster import KMeans

CLUSTERS, ITERATIONS = 16, 10

print(KMeans(CLUSTERS, n_init=1, max_iter=ITERATIONS, tol=0.0, random_state=0).fit(np.load(sys.argv[1])).inertia_)
