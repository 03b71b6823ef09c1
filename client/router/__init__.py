"""A bureau's router: every claim gets a lane, a calibrated confidence and reasons. Nothing of it leaves the bureau."""
