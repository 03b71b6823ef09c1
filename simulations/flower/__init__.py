"""The simulation over Flower: its ServerApp, its ClientApp, and the engine that runs both."""
