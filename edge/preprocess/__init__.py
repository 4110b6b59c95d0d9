"""From a frame to the model's tensor. `prepare.prepare` is the whole way; training uses the same step."""
