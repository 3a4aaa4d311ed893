"""What computes the logits: GPT-2, any model of transformers, or the model that is being trained."""
