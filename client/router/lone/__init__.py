"""A claim that comes alone: the same decision as in a batch, byte for byte, without the columns of a batch."""
