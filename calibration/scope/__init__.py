"""What is none of a model's business: scores that tell, compared on the form and engine that run, and the limit of the best one.

measures    what one picture's outputs say: gate, kNN, PCA residual (pure)
methods     sums of their z-scores, and which of them a bundle can carry
area        AUROC, with an interval by lesion or patient (pure)
compare     limits, false alarms, refusals, and the best method by a rule stated beforehand (pure)
rendered    pictures that are drawn: phantoms, noise, blank, text screens, bare skin, hand, gauze, ceiling, Doppler color
sets        which pictures are shown to which model
look        pictures through the engine
overlay     the limit of this device
record, page, command
"""
