"""Baselines: support vector machines and probes on handcrafted or frozen features."""
