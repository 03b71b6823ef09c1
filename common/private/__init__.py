"""DP-LBG: private k-means from bounded, noised sums. Mechanisms that do not know each other, and a schedule of rounds.

``bounding`` bounds what one claim or one person adds, ``budget`` divides rho over rounds and over what a round sums,
``update`` reads noisy sums, ``lbg`` decides which centroids come next. Noise itself is drawn elsewhere.
"""
