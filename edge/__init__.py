"""sonoderm's device: what runs next to a patient. Imports numpy, OpenCV and one inference engine; never torch."""
