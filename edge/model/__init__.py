"""A verified model, ready to look at pictures: `open_model(name).classify(image)`.

opening.py chooses engine and form and opens; model.py is the way of one picture; golden.py asks at start whether the engine
still says what it said when the model was signed.
"""

from edge.model.fault import ModelFault
from edge.model.look import Look, Timings
from edge.model.model import Model
from edge.model.opening import OpenOptions, open_model

__all__ = ["Look", "Model", "ModelFault", "OpenOptions", "Timings", "open_model"]
