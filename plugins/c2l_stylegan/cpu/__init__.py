"""Fast ways to compute on a CPU, where no gradients are recorded; they know nothing of networks."""
