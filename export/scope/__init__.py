"""What is out of scope: negatives for the input gate, and the bank of embeddings."""
