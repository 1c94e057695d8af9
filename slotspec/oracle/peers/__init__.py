"""Live peers: implementations that are run step by step beside the model."""
