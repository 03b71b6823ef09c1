"""CSA-1: sums that nobody can take apart. Keys, contexts, masks, and the two sides' pure state machines.

Every bureau adds to its noised words a mask of its own and one mask for each pair it belongs to. Pair masks cancel in
the sum; own masks are revealed once every survivor has signed the same survivors. What is derived is bound to the whole
context, what is signed to its purpose, and every mask is used once.
"""
