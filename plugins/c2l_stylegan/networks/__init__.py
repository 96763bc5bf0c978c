"""The networks as PyTorch modules, and the settings that describe them."""
