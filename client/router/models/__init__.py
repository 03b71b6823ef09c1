"""Which version of the model a router decides with: received, tried in shadow, accepted, refused, rolled back."""
