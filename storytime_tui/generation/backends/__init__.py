"""The backends that compute logits: GPT-2, any model of transformers, or the model being trained."""
