"""Reading photographs of skin lesions: data, training, evaluation, export and inference.

Nothing here imports Django, and what serving needs imports no torch.
"""
