"""A probability that means what it says: which correction of the outputs, fitted on what, checked how.

cases.py: pictures with their labels, as one engine answered. ask.py: the engine that will run, asked. methods.py: temperature, bias,
vector scaling. compare.py: which of them, by cross-validation. prevalence.py: the same for another mix of classes. reliability.py: is it
true on pictures that it has not seen, and could that have been noticed.
"""
